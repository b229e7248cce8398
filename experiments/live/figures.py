#!/usr/bin/env python3
"""What run.sh asks about configurations, and the table of what its runs came to.

  experiments/live/figures.py configurations PROFILE.csv    a name and the YAML of each
  experiments/live/figures.py best PROFILE.csv FOLDER       of them, by the runs in FOLDER/<name>
  experiments/live/figures.py table FOLDER                  of the runs in FOLDER/<agent>/<round>
"""
import csv
import json
import pathlib
import statistics
import sys

COLUMNS = (  # title, figure, factor, digits
    ("missed %", "miss_share", 100, 2),
    ("top-1 %", "accuracy_top1", 100, 2),
    ("p99 ms", "latency_p99_ms", 1, 2),
    ("power of ours W", "power_ours_w", 1, 2),
    ("reward", "reward", 1, 3),
)


def configurations(profile: pathlib.Path) -> list[tuple[str, str]]:
    """Named by number, as the rows are."""
    with open(profile, newline="") as file:
        rows = list(csv.DictReader(file))
    knobs = [column for column in rows[0] if "." in column]
    return [(row["action"], "{" + ", ".join(f"{knob}: {row[knob]}" for knob in knobs) + "}") for row in rows]


def whole(folder: pathlib.Path) -> dict:
    return json.loads((folder / "summary.json").read_text())["whole"]


def best(profile: pathlib.Path, folder: pathlib.Path) -> str:
    """The one with the highest mean reward."""
    return max(configurations(profile), key=lambda each: whole(folder / each[0])["reward"])[1]


def table(folder: pathlib.Path) -> None:
    agents = [each for each in sorted(folder.iterdir())
              if each.name != "configurations" and (each / "1" / "summary.json").exists()]
    runs = {agent.name: [whole(run) for run in sorted(agent.iterdir())] for agent in agents}
    print(f"{'agent':<26}{'runs':>5}" + "".join(f"{title:>18}" for title, *_ in COLUMNS))
    for name, each in sorted(runs.items(), key=lambda item: -statistics.mean(run["reward"] for run in item[1])):
        cells = []
        for _, figure, factor, digits in COLUMNS:
            values = [factor * run[figure] for run in each]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.mean(values):.{digits}f} ±{spread:.{digits}f}")
        print(f"{name:<26}{len(each):>5}" + "".join(f"{cell:>18}" for cell in cells))
    print("mean ± standard deviation of the runs")


def main() -> None:
    verb, *paths = [*sys.argv[1:]] or [""]
    arguments = [pathlib.Path(path) for path in paths]
    if verb == "configurations" and len(arguments) == 1:
        for name, configuration in configurations(*arguments):
            print(name, configuration)
    elif verb == "best" and len(arguments) == 2:
        print(best(*arguments))
    elif verb == "table" and len(arguments) == 1:
        table(*arguments)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
