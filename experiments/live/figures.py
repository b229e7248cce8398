#!/usr/bin/env python3
"""What run.sh asks about configurations, and the table of what its runs came to.

  experiments/live/figures.py configurations TRACE.yaml    a name and the YAML of each width in each place
  experiments/live/figures.py best FOLDER                  the three that earned most in FOLDER/<name>/sweep-*
  experiments/live/figures.py table FOLDER                 of the runs in FOLDER/<agent>/<round>
"""
import csv
import json
import pathlib
import re
import statistics
import sys

COLUMNS = (  # title, figure, factor, digits
    ("missed %", "miss_share", 100, 2),
    ("top-1 %", "accuracy_top1", 100, 2),
    ("p99 ms", "latency_p99_ms", 1, 2),
    ("power of ours W", "power_ours_w", 1, 2),
    ("reward", "reward", 1, 3),
)
LEARNER = "model_based"
MANY = 3  # configurations that are played whole.
TAKEN = ("first-cpu", 0)  # A co-runner of the scenarios, and the CPU where it is.
STAYS_S = 1.0  # A CPU is left when it is not used for so long: a trial elsewhere is no leaving.


def levels(trace_yaml: str, kind: str) -> list[str]:
    """Labels of the knob of that kind."""
    knob = re.search(rf"^    kind: {kind}\n(?:    .*\n)*?    levels:\n((?:      - .*\n)+)", trace_yaml, re.M)
    return re.findall(r'label: "([^"]+)"', knob[1]) if knob else []


def configurations(trace: pathlib.Path) -> list[tuple[str, str]]:
    """Other knobs stay at their highest."""
    text = trace.read_text()
    widths, places = levels(text, "width"), levels(text, "mapping")
    if not widths or not places:
        sys.exit(f"{trace}: expected knobs width and mapping, found {len(widths)} widths and {len(places)} places")
    return [(f"{width}-{place}", f'{{width: "{width}", mapping: "{place}"}}') for width in widths for place in places]


def whole(folder: pathlib.Path) -> dict:
    return json.loads((folder / "summary.json").read_text())["whole"]


def runs_of(agent: pathlib.Path, name: str) -> dict[str, pathlib.Path]:
    """Those that were completed, by what their folders are called, which is as the expression says."""
    return {run.name: run for run in agent.glob("*/") if re.fullmatch(name, run.name) and (run / "summary.json").exists()}


def best(folder: pathlib.Path) -> list[str]:
    """Those with the highest mean reward, the first first."""
    sweeps = {each.name: runs_of(each, r"sweep-\d+").values() for each in folder.glob("*/")}
    earned = {name: statistics.mean(whole(run)["reward"] for run in runs) for name, runs in sweeps.items() if runs}
    return sorted(earned, key=lambda name: -earned[name])[:MANY]


def cpus_of(config_yaml: str) -> dict[str, set[int]]:
    """Of each place."""
    result = {}
    for name, cpus in re.findall(r'- \{name: "([^"]+)", device: \w+, cpus: "([^"]+)"', config_yaml):
        ends = [part.partition("-") for part in cpus.split(",")]
        result[name] = {cpu for low, _, high in ends for cpu in range(int(low), int(high or low) + 1)}
    return result


def left_after(folder: pathlib.Path) -> float | None:
    """Seconds from the arrival of the co-runner on a CPU until that CPU is left for STAYS_S: infinite if it is not;
    nothing if it was not in use when the co-runner came, or there is no other."""
    taken, cpu = TAKEN
    cpus = cpus_of((folder / "config.yaml").read_text())
    with open(folder / "trace.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    place = next(column for column in rows[0] if column.startswith("granted.mapping."))
    first = next((i for i, row in enumerate(rows) if row["co_runners"] == taken), None)
    has_other = any(cpu not in each for each in cpus.values())
    if first is None or not has_other or cpu not in cpus.get(rows[max(0, first - 1)][place], ()):
        return None
    came_s, left_s = float(rows[first]["time_s"]), None
    for row in rows[first:]:
        now_s = float(row["time_s"])
        if left_s is not None and now_s >= left_s + STAYS_S:
            return left_s - came_s
        if row["co_runners"] != taken:
            break
        if cpu in cpus.get(row[place], ()):
            left_s = None
        elif left_s is None:
            left_s = now_s
    return float("inf")


def mean(values: list[float]) -> float:
    return statistics.mean(values) if values else float("nan")


def spread(values: list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def table(folder: pathlib.Path) -> None:
    runs = {each.name: runs_of(each, r"\d+") for each in folder.glob("*/")}
    played = {name: {number: whole(run) for number, run in rounds.items()} for name, rounds in runs.items() if rounds}
    print(f"{folder.name}\n{'agent':<16}{'runs':>5}" + "".join(f"{title:>18}" for title, *_ in COLUMNS)
          + f"{'learner minus it':>19}{'above it':>10}{'left CPU 0 after s':>22}")
    ours = played.get(LEARNER, {})
    for name, rounds in sorted(played.items(), key=lambda item: -mean([run["reward"] for run in item[1].values()])):
        cells = []
        for _, figure, factor, digits in COLUMNS:
            values = [factor * run[figure] for run in rounds.values() if run.get(figure) is not None]
            cells.append(f"{mean(values):.{digits}f} ±{spread(values):.{digits}f}" if values else "")
        ahead = [ours[number]["reward"] - rounds[number]["reward"] for number in rounds if number in ours]
        if name == LEARNER:
            comparison = f"{'':>19}{'':>10}"
        else:
            error = spread(ahead) / max(1, len(ahead)) ** 0.5
            above = f"{sum(each > 0 for each in ahead)} of {len(ahead)}"
            comparison = f"{f'{mean(ahead):+.3f} ±{error:.3f}':>19}{above:>10}"
        after = [left_after(runs[name][number]) for number in rounds]
        times = sorted(each for each in after if each is not None)
        left = ", ".join("never" if each == float("inf") else f"{each:.1f}" for each in times) or "-"
        print(f"{name:<16}{len(rounds):>5}" + "".join(f"{cell:>18}" for cell in cells) + comparison + f"  {left:>20}")
    print("mean ± standard deviation of the runs; of the difference in reward, round by round, ± its standard error.\n"
          "CPU 0 is left from the first of so many periods in places without it as a second has; a time for each round in which\nit was in use when the co-runner came.")


def main() -> None:
    verb, *paths = [*sys.argv[1:]] or [""]
    arguments = [pathlib.Path(path) for path in paths]
    if verb == "configurations" and len(arguments) == 1:
        for name, configuration in configurations(*arguments):
            print(name, configuration)
    elif verb == "best" and len(arguments) == 1:
        print("\n".join(best(*arguments)))
    elif verb == "table" and len(arguments) == 1:
        table(*arguments)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
