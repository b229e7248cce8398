#!/usr/bin/env python3
"""Lays a tree of tests/platform/trees out in a folder, to be looked at by hand:

  tests/platform/make_tree.py FILE.tree DIR    then: rein probe --sysfs-root DIR

The format is in tests/platform/trees/README.md; tests/support/board_tree.hpp reads the same.
"""
import os
import pathlib
import re
import sys

RANGE = re.compile(r"\{(\d[\d,-]*)\}")
ESCAPES = {"n": "\n", "t": "\t", "0": "\0", '"': '"', "\\": "\\"}


def numbers(text: str) -> list[int]:
    """0-2,4 -> 0 1 2 4"""
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def expanded(line: str) -> list[str]:
    """One line for each number of its range."""
    match = RANGE.search(line)
    if match is None:
        return [line]
    head, tail = line[: match.start()], line[match.end() :]
    return [f"{head}{n}{tail.replace('{}', str(n))}" for n in numbers(match.group(1))]


def text_of(value: str) -> str:
    if not value.startswith('"'):
        return value + "\n"
    return re.sub(r"\\(.)", lambda match: ESCAPES[match.group(1)], value[1:-1])


class Tree:
    def __init__(self, root: pathlib.Path):
        self.root = root

    def place(self, path: str) -> pathlib.Path:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def make(self, line: str, more: list[str]) -> None:
        if match := re.fullmatch(r"(\S+) -> (\S+)", line):
            place, target = self.place(match.group(1)), match.group(2)
            if target.startswith("/"):
                target = os.path.relpath(self.root / target[1:], place.parent.resolve())
            place.symlink_to(target)
        elif match := re.fullmatch(r"(\S+) =(?: (.*))?", line):
            value = match.group(2)
            text = "".join(text + "\n" for text in more) if value is None else text_of(value)
            self.place(match.group(1)).write_text(text)
        elif line.endswith("/"):
            self.place(line).mkdir(exist_ok=True)
        else:
            raise ValueError(f"no line of a tree: {line}")


def lay_out(text: str, root: pathlib.Path) -> None:
    tree, folder = Tree(root), ""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not line or line.startswith(("#", "|")):
            continue
        if line.startswith("["):
            folder = line[1:-1]
            continue
        more = []
        for next_line in lines[number + 1 :]:
            if not next_line.startswith("|"):
                break
            more.append(next_line[2:])
        for one in expanded(line if line.startswith("/") else f"{folder}/{line}"):
            tree.make(one, more)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    lay_out(pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2]))
