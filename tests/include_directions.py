#!/usr/bin/env python3
"""Checks the #include lines against the architecture: includes go down only, one floor at a time,
between the folders and between the rooms of a folder (see ROOMS), every source of a folder with rooms is
in one of them, the libraries that compute are seen by their modules alone, the log by cli/ and study/ alone, and every header has its guard.

  tests/include_directions.py [ROOT]   exit status 1 if anything is wrong
"""
import pathlib
import re
import sys

MAY_SEE = {
    "common": {"common"},
    "platform": {"platform", "common"},
    "models": {"models", "common"},
    "env": {"env", "models", "platform", "common"},
    "agent": {"agent", "env", "common"},
    "study": {"study", "agent", "env", "models", "platform", "common"},
    "cli": {"cli", "study", "agent", "env", "models", "platform", "common"},
}
# Of the folders that have rooms: from the bottom up, by the beginning of a path; where two fit, the
# longer counts.
ROOMS = {
    "platform": [
        "platform/place.",
        "platform/platform.",  # What all of it is for.
        "platform/quantities.",
        "platform/kernel/",
        "platform/board/",
        "platform/sensors/",
        "platform/co_runners/",
        "platform/giving_back/",
        "platform/controls/",
        "platform/simulated/",
        "platform/linux_platform.",  # Sensors and controls in one.
        "platform/probe/",
    ],
    "agent": [
        "agent/core/",
        "agent/loop/",
        "agent/q_learning/",
        "agent/neural/",
        "agent/model_based/",
        "agent/rivals/",
        "agent/oracle/",
        "agent/make_agent.",
    ],
    "study": [
        "study/run/",
        "study/suite/",
        "study/evaluation/",
        "study/calibration/",
        "study/training/",
        "study/report/",
    ],
}
# Libraries that one module alone loads, by the beginning of their headers' paths.
LIBRARIES = {
    "torch": ("LibTorch", "models/torch/"),
    "ATen": ("LibTorch", "models/torch/"),
    "c10": ("LibTorch", "models/torch/"),
    "dnnl.hpp": ("oneDNN", "models/onednn/"),
    "xnnpack.h": ("XNNPACK", "models/xnnpack/"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def floor_of(path: str) -> int | None:
    """The room's number in its folder, from the bottom; none if it is in no room."""
    rooms = ROOMS.get(path.split("/")[0], [])
    fitting = [room for room in rooms if path.startswith(room)]
    return rooms.index(max(fitting, key=len)) if fitting else None


def problems_of(root: pathlib.Path, file: pathlib.Path) -> list[str]:
    relative = file.relative_to(root)
    folder = relative.parts[0]
    lines = file.read_text().splitlines()
    found = []
    floor = floor_of(str(relative))
    if folder in ROOMS and floor is None:
        found.append(f"{relative}: expected a room of {folder}/, found none in the list")
    if file.suffix == ".hpp" and "#pragma once" not in lines:
        found.append(f"{relative}: expected #pragma once, found none")
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        bracket, target = match.groups()
        where = f"{relative}:{number}"
        first = target.split("/")[0]
        if bracket == '"':
            if first not in MAY_SEE:
                found.append(f'{where}: expected a path from the root, found "{target}"')
            elif first not in MAY_SEE[folder]:
                found.append(f"{where}: {folder}/ may not see {first}/")
            elif first == folder and floor is not None and (floor_of(target) or 0) > floor:
                found.append(f"{where}: expected a room below this one's, found {target}")
        elif first in LIBRARIES:
            library, room = LIBRARIES[first]
            if not str(relative).startswith(room):
                found.append(f"{where}: {library} is for {room} alone")
            if file.suffix == ".hpp" and target == "torch/torch.h":
                found.append(f"{where}: torch/torch.h costs half a minute: not in a header")
        elif first == "spdlog" and (folder not in ("cli", "study") or file.suffix == ".hpp"):
            found.append(f"{where}: the log is for the .cpp files of cli/ and study/ alone")
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__)
    root = root.resolve() if root.is_dir() else root.resolve().parents[1]
    files = [
        file
        for folder in MAY_SEE
        for suffix in ("*.hpp", "*.cpp")
        for file in sorted((root / folder).rglob(suffix))
    ]
    if not files:
        print(f"{root}: expected sources, found none")
        return 1
    problems = [problem for file in files for problem in problems_of(root, file)]
    print("\n".join(problems) if problems else f"include directions: {len(files)} files kept")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
