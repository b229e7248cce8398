#!/usr/bin/env python3
"""Prints what the evaluations of run.sh came to beside the goals.

  experiments/compare/figures.py FOLDER [LEARNER]   LEARNER: model_based if not given
"""
import json
import pathlib
import sys

# What is not a rival: the measure, and the same learner without its training.
NO_RIVALS = ("oracle",)
# Nothing changes in it.
STEADY = ("alone",)


def load(folder: pathlib.Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


def goal(name: str, value: str, wanted: str, met: bool) -> None:
    print(f"{'met   ' if met else 'MISSED'}  {name:<58} {value:>26}   goal {wanted}")


def of_agent(summary: dict, agent: str) -> dict:
    found = [total for total in summary["agents"] if total["agent"] == agent]
    if not found:
        names = ", ".join(total["agent"] for total in summary["agents"])
        sys.exit(f"expected one of the agents {names}, found '{agent}'")
    return found[0]


def mean(entry: dict, figure: str) -> float:
    return entry["figures"][figure]["mean"]


def over_the_oracle(summary: dict, learner: str, run: str | None = None) -> tuple[float, float, float]:
    """Means over the worlds, or those of a run: the objective as a share of the oracle's, violations above its, p99
    over its. The shares in the summary are of the measure, which may be another."""
    worlds: dict[tuple[str, str], dict[str, dict]] = {}
    for result in summary["results"]:
        if result["episodes"] > 0 and run in (None, result["run"]):
            worlds.setdefault((result["run"], result["scenario"]), {})[result["agent"]] = result
    pairs = [(world[learner], world["oracle"]) for world in worlds.values() if learner in world and "oracle" in world]

    def over(own: dict, oracle: dict, figure: str) -> float:
        return mean(own, figure) / mean(oracle, figure)

    shares = [over(own, oracle, "objective") if own["objective"] == "max_accuracy" else over(oracle, own, "objective")
              for own, oracle in pairs]
    above = [mean(own, "violation_above_oracle") for own, _ in pairs]
    p99 = [over(own, oracle, "latency_p99_ms") for own, oracle in pairs]
    return sum(shares) / len(pairs), sum(above) / len(pairs), sum(p99) / len(pairs)


def against_the_oracle(summary: dict, learner: str) -> None:
    total = of_agent(summary, learner)
    share, above, p99 = over_the_oracle(summary, learner)
    share, above = 100 * share, 100 * above
    goal("objective, % of the oracle's", f"{share:.2f}", ">= 98", share >= 98)
    goal("violations, points above the oracle's", f"{above:.2f}", "<= 1", above <= 1)
    goal("p99 latency over the oracle's", f"{p99:.3f}", "<= 1.05", p99 <= 1.05)
    periods = total["adaptation"]["periods"]
    quartiles = f"{periods['median']:g} ({periods['low']:g} to {periods['high']:g})"
    goal(
        f"periods to adapt, median (quartiles) of {periods['count']} changes",
        quartiles, "<= 5", periods["median"] <= 5,
    )
    print(f"        not adapted before the next change: {100 * total['adaptation']['unadapted_share']:.1f} %")
    for run in dict.fromkeys(result["run"] for result in summary["results"]):
        values = over_the_oracle(summary, learner, run)
        print(f"        {run:<20} objective {100 * values[0]:6.2f} %   violations {100 * values[1]:+6.2f} points"
              f"   p99 {values[2]:.3f}")


def against_rivals(summary: dict, learner: str) -> None:
    """Ahead: mean regret is lower, and so is all of its interval where there is one."""
    rows: dict[str, dict[str, dict]] = {}
    for comparison in summary["comparisons"]:
        rival = comparison["against"]
        if comparison["run"] and rival not in NO_RIVALS and not rival.startswith(f"{learner}-"):
            rows.setdefault(rival, {})[comparison["run"]] = comparison
    for rival, runs in rows.items():
        behind = []
        for run, comparison in runs.items():
            regret = comparison["regret"]
            if max(regret["mean"], regret["high"] or regret["mean"]) >= 0:
                standing = comparison["by_budgets_and_objective"]
                behind.append(f"{run} (regret {regret['mean']:+.3f}; worlds {standing['ahead']} : {standing['behind']})")
        goal(f"ahead of {rival}", f"{len(runs) - len(behind)} of {len(runs)} boards", "all", not behind)
        for line in behind:
            print(f"        not on {line}")


def against_best_static(summary: dict, learner: str) -> None:
    worlds: dict[tuple[str, str], dict[str, float]] = {}
    for result in summary["results"]:
        if result["scenario"] not in STEADY and result["episodes"] > 0:
            world = worlds.setdefault((result["run"], result["scenario"]), {})
            world[result["agent"]] = mean(result, "regret")
    worlds = {name: world for name, world in worlds.items() if learner in world and "best_static" in world}
    behind = {name: world for name, world in worlds.items() if world[learner] >= world["best_static"]}
    goal("ahead of best_static where conditions change",
         f"{len(worlds) - len(behind)} of {len(worlds)} worlds", "all", not behind)
    for (run, scenario), world in behind.items():
        print(f"        not on {run}, {scenario}: regret {world[learner]:.3f}, best_static's {world['best_static']:.3f}")


def from_nothing(summary: dict) -> None:
    learner, rival = (total["agent"] for total in summary["agents"][:2])
    total = of_agent(summary, learner)
    period = total["adaptation"]["good_from_period"]
    goal("from nothing: within 5 % of the oracle from period, median",
         f"{period['median']:g} ({period['low']:g} to {period['high']:g})", "<= 1000", period["median"] <= 1000)
    own, other = (100 * mean(of_agent(summary, name), "violation") for name in (learner, rival))
    goal(f"from nothing: violations on the way, {rival}: {other:.2f} %", f"{own:.2f} %", "not above", own <= other)


def at_equal_accuracy(summary: dict) -> None:
    governor, learner = (of_agent_result(summary, total["agent"]) for total in summary["agents"][:2])
    accuracy = [100 * mean(result, "accuracy_top1") for result in (governor, learner)]
    print(f"        at equal accuracy: {governor['agent']} serves {accuracy[0]:.2f} %, {learner['agent']} {accuracy[1]:.2f} %")
    for name, figure, wanted in (("energy a request", "energy_per_request_mj", -19),
                                 ("mean latency", "latency_mean_ms", -9)):
        change = 100 * (mean(learner, figure) / mean(governor, figure) - 1)
        goal(f"at equal accuracy: {name} against {governor['agent']}", f"{change:+.1f} %", f"<= {wanted} %",
             change <= wanted)


def of_agent_result(summary: dict, agent: str) -> dict:
    return next(result for result in summary["results"] if result["agent"] == agent)


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(sys.argv[1])
    learner = sys.argv[2] if len(sys.argv) > 2 else "model_based"
    everything = load(folder / "all")
    against_the_oracle(everything, learner)
    against_rivals(everything, learner)
    against_best_static(everything, learner)
    from_nothing(load(folder / "from-nothing"))
    at_equal_accuracy(load(folder / "equal-accuracy"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
