#!/usr/bin/env python3
"""Prints what evaluations of the suite held-out came to, over all of them and by kind, beside the goals.

  experiments/generalise/figures.py LEARNER FOLDER...
"""
import json
import pathlib
import statistics
import sys

ORACLE = "oracle"
STATIC = "best_static"
RIVALS = ("alert", "poet", "slackfit")  # That are never to be ahead in any kind.
QUEUES = ("poisson", "bursty")
TIED = 0.001  # Rewards that are closer are equal.


class World:
    """One world: the figures of every agent that was played in it, and of the best of them."""

    def __init__(self, board: str, kind: str):
        self.board = board
        self.kind = kind
        self.figures: dict[str, dict[str, float]] = {}

    def best_reward(self) -> float:
        return max(figures["reward"] for figures in self.figures.values())

    def regret(self, agent: str) -> float:
        return self.best_reward() - self.figures[agent]["reward"]

    def objective(self, agent: str) -> float:
        """As a share of the oracle's, at most 1: what is more was paid for with violations, or is chance."""
        own, oracle = (self.figures[name].get("objective") for name in (agent, ORACLE))
        if own is None or oracle is None:
            return 1.0 if own == oracle else 0.0
        part, whole = (own, oracle) if self.maximises else (oracle, own)
        return min(1.0, part / whole) if whole > 0.0 else 1.0

    def above(self, agent: str) -> float:
        """Violations above the oracle's."""
        return self.figures[agent]["violation"] - self.figures[ORACLE]["violation"]

    def is_first(self, agent: str) -> bool:
        rivals = [name for name in self.figures if name != ORACLE]
        return self.figures[agent]["reward"] >= max(self.figures[name]["reward"] for name in rivals) - TIED


def load(folders: list[pathlib.Path]) -> list[World]:
    worlds = []
    for folder in folders:
        found: dict[tuple[str, str], World] = {}
        for result in json.loads((folder / "summary.json").read_text())["results"]:
            world = found.setdefault((result["run"], result["scenario"]),
                                     World(result["board"].split(",")[0], result["scenario"]))
            world.maximises = result["objective"] == "max_accuracy"
            if result["episodes"] > 0:
                world.figures[result["agent"]] = {
                    name: figure["mean"] for name, figure in result["figures"].items() if figure["mean"] is not None}
        worlds += found.values()
    agents = list(dict.fromkeys(agent for world in worlds for agent in world.figures))
    complete = [world for world in worlds if all(agent in world.figures for agent in agents)]
    if len(complete) < len(worlds):
        print(f"left out: {len(worlds) - len(complete)} of {len(worlds)} worlds in which not every agent was played to the end")
    return complete


def mean(values) -> float:
    return statistics.fmean(values)


def table(title: str, worlds: list[World], agents: list[str], value) -> None:
    """A row for each kind and one for all: value(worlds, agent) of each agent, as text."""
    kinds = list(dict.fromkeys(sorted(world.kind for world in worlds)))
    print(f"\n{title:<28}{'worlds':>7}" + "".join(f"{agent:>13}" for agent in agents))
    for kind in kinds + ["all"]:
        those = [world for world in worlds if kind in (world.kind, "all")]
        print(f"{kind:<28}{len(those):>7}" + "".join(f"{value(those, agent):>13}" for agent in agents))


def worst_tenth(values: list[float], worst_first) -> list[float]:
    return sorted(values, key=worst_first)[:max(1, round(len(values) / 10))]


def goal(name: str, value: str, wanted: str, met: bool) -> None:
    print(f"{'met   ' if met else 'MISSED'}  {name:<66} {value:>22}   goal {wanted}")


def goals(worlds: list[World], learner: str) -> None:
    agents = list(worlds[0].figures)
    kinds = sorted({world.kind for world in worlds})
    of_kind = {kind: [world for world in worlds if world.kind == kind] for kind in kinds}

    def regret(those: list[World], agent: str) -> float:
        return mean(world.regret(agent) for world in those)

    def not_behind(rival: str, margin: float = 0.0) -> None:
        behind = [kind for kind in kinds if regret(of_kind[kind], learner) > regret(of_kind[kind], rival) + margin]
        goal(f"regret not above {rival}'s in the mean of each kind", f"{len(kinds) - len(behind)} of {len(kinds)}", "all",
             not behind)
        for kind in behind:
            print(f"        not in {kind}: {regret(of_kind[kind], learner):.3f}, {rival}'s {regret(of_kind[kind], rival):.3f}")

    print()
    if STATIC in agents:
        own, other = regret(worlds, learner), regret(worlds, STATIC)
        differences = [world.regret(learner) - world.regret(STATIC) for world in worlds]
        error = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else 0.0
        goal(f"regret over {STATIC}'s ({own:.3f} and {other:.3f}, difference {own - other:+.3f} +-{2 * error:.3f})",
             f"{own / other:.2f}" if other > 0 else "-", "<= 0.5", own <= 0.5 * other)
        not_behind(STATIC)
    shares = [world.objective(learner) for world in worlds]
    above = [world.above(learner) for world in worlds]
    goal("objective, % of the oracle's, mean", f"{100 * mean(shares):.2f}", ">= 99", mean(shares) >= 0.99)
    goal("violations, points above the oracle's, mean", f"{100 * mean(above):.2f}", "<= 0.5", mean(above) <= 0.005)
    low = worst_tenth(shares, lambda share: share)
    high = worst_tenth(above, lambda points: -points)
    goal("objective, % of the oracle's, mean of the worst tenth (best of it)",
         f"{100 * mean(low):.2f} ({100 * low[-1]:.2f})", ">= 95", mean(low) >= 0.95)
    goal("violations, points above the oracle's, mean of the worst tenth (best)",
         f"{100 * mean(high):.2f} ({100 * high[-1]:.2f})", "<= 3", mean(high) <= 0.03)
    for rival in RIVALS:
        if rival in agents:
            not_behind(rival)
        else:
            print(f"        {rival} was not played")
    if STATIC in agents:
        queues = [world for world in worlds if world.kind in QUEUES]
        boards = sorted({world.board for world in queues})
        behind = []
        for board in boards:
            those = [world for world in queues if world.board == board]
            own, other = regret(those, learner), regret(those, STATIC)
            if own > other + 0.01:
                behind.append(f"{board}: {own:.3f}, {STATIC}'s {other:.3f} ({len(those)} worlds)")
        goal(f"{' and '.join(QUEUES)}: regret at most {STATIC}'s plus 0.01 on each board",
             f"{len(boards) - len(behind)} of {len(boards)}", "all", not behind)
        for line in behind:
            print(f"        not on {line}")
        heat(worlds, learner)


def heat(worlds: list[World], learner: str) -> None:
    figure = "violation.temperature"
    kept = [world for world in worlds if any(world.figures[agent].get(figure) == 0.0 for agent in (ORACLE, STATIC))]
    if kept:
        over = mean(world.figures[learner].get(figure, 0.0) for world in kept)
        goal(f"over the temperature limit, % of periods ({len(kept)} worlds that can keep it)", f"{100 * over:.2f}", "<= 1",
             over <= 0.01)


def yardstick(worlds: list[World]) -> None:
    """How often the oracle is not the best that was played, and by how much."""
    beaten = [world.regret(ORACLE) for world in worlds if world.regret(ORACLE) > TIED]
    by = f", by {mean(beaten):.3f} a period in the mean, {max(beaten):.3f} at most" if beaten else ""
    print(f"\nthe oracle is not the best in {len(beaten)} of {len(worlds)} worlds{by}")


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    learner = sys.argv[1]
    worlds = load([pathlib.Path(folder) for folder in sys.argv[2:]])
    if not worlds:
        sys.exit("expected worlds in which every agent was played, found none")
    agents = list(worlds[0].figures)
    if learner not in agents:
        sys.exit(f"expected one of the agents {', '.join(agents)}, found '{learner}'")
    table("regret", worlds, agents, lambda those, agent: f"{mean(world.regret(agent) for world in those):.3f}")
    table("objective, % of oracle's", worlds, agents,
          lambda those, agent: f"{100 * mean(world.objective(agent) for world in those):.2f}")
    table("violations above, points", worlds, agents,
          lambda those, agent: f"{100 * mean(world.above(agent) for world in those):+.2f}")
    table("first or as good, %", worlds, [agent for agent in agents if agent != ORACLE],
          lambda those, agent: f"{100 * mean(world.is_first(agent) for world in those):.0f}")
    goals(worlds, learner)
    yardstick(worlds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
