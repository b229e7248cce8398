#!/usr/bin/env python3
"""Tests experiments/generalise/figures.py with an evaluation worked by hand.

  tests/generalise_figures_test.py    exit status 1 if anything is wrong
"""
import json
import pathlib
import subprocess
import sys
import tempfile

FIGURES = pathlib.Path(__file__).parent.parent / "experiments/generalise/figures.py"


def result(run: str, kind: str, agent: str, reward: float, objective: float, violation: float,
           goal: str = "max_accuracy", episodes: int = 1) -> dict:
    figures = {"reward": reward, "objective": objective, "violation": violation,
               "violation.temperature": violation if kind == "heat" else None}
    return {"run": run, "board": "Board, drawn 1 of seed 1", "scenario": kind, "objective": goal, "agent": agent,
            "episodes": episodes,
            "figures": {name: {"mean": value, "spread": None} for name, value in figures.items()}}


def printed(results: list[dict], learner: str = "model_based") -> tuple[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "summary.json").write_text(json.dumps({"results": results}))
        done = subprocess.run([FIGURES, learner, folder], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr, done.returncode


# The oracle is beaten in the first world, by 0.1; energy counts the other way round in the second.
WORLDS = [
    result("w01", "poisson", "best_static", 0.9, 0.6, 0.0),
    result("w01", "poisson", "model_based", 0.7, 0.9, 0.02),
    result("w01", "poisson", "oracle", 0.8, 0.8, 0.01),
    result("w02", "heat", "best_static", 0.1, 200.0, 0.0, "min_energy"),
    result("w02", "heat", "model_based", 0.6, 125.0, 0.005, "min_energy"),
    result("w02", "heat", "oracle", 0.6, 100.0, 0.0, "min_energy"),
]
EXPECTED = [
    # Regret: 0.2 and 0, beside 0 and 0.5.
    "poisson                           1        0.000        0.200        0.100",
    "heat                              1        0.500        0.000        0.000",
    "all                               2        0.250        0.100        0.050",
    # Objective: 0.9 / 0.8, which counts as 1, and 100 / 125.
    "poisson                           1        75.00       100.00       100.00",
    "heat                              1        50.00        80.00       100.00",
    "all                               2        62.50        90.00       100.00",
    # Violations: 1 and 0.5 points above.
    "all                               2        -0.50        +0.75        +0.00",
    # First of those that are no oracle.
    "all                               2           50           50",
    "met     regret over best_static's (0.100 and 0.250, difference -0.150 +-0.700)                   0.40   goal <= 0.5",
    "        not in poisson: 0.200, best_static's 0.000",
    "MISSED  objective, % of the oracle's, mean                                                  90.00   goal >= 99",
    "MISSED  violations, points above the oracle's, mean                                          0.75   goal <= 0.5",
    "met     over the temperature limit, % of periods (1 worlds that can keep it)                   0.50   goal <= 1",
    "        alert was not played",
    "the oracle is not the best in 1 of 2 worlds, by 0.100 a period in the mean, 0.100 at most",
]


def main() -> int:
    problems = []
    text, status = printed(WORLDS)
    lines = text.splitlines()
    if status != 0:
        problems.append(f"expected the status 0, found {status}")
    problems += [f"expected a line '{line}'" for line in EXPECTED if line not in lines]
    text, _ = printed(WORLDS[:-1] + [dict(WORLDS[-1], episodes=0)])
    if "left out: 1 of 2 worlds" not in text:
        problems.append("a world that was not played to the end counts")
    text, status = printed(WORLDS, "nobody")
    if status != 1 or "expected one of the agents" not in text:
        problems.append("a learner that was not played is not refused")
    for problem in problems:
        print(problem)
    if problems:
        print(printed(WORLDS)[0])
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
