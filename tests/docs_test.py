#!/usr/bin/env python3
"""Checks what the documentation says against the program and the tree: every verb and option of
`rein` that a page names is in the program's help, and every file that a page links or runs exists.

  tests/docs_test.py REIN   exit status 1 if anything is wrong
"""
import functools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMMAND = re.compile(r"(?:^|[`$ /])rein ((?:probe|fit-board|run|train|evaluate|restore|report|network)[^`\n#|]*)")
SCRIPT = re.compile(r"(?:^|[` ])((?:experiments|tests)/[\w./-]+\.(?:sh|py))")
LINK = re.compile(r"\]\(([\w./-]+)\)")


@functools.cache
def help_of(program: str, verbs: tuple[str, ...]) -> str:
    return subprocess.run([program, *verbs, "--help"], capture_output=True, text=True).stdout


def problems_of(program: str, page: pathlib.Path) -> tuple[list[str], int]:
    found, checked = [], 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        where = f"{page.relative_to(ROOT)}:{number}"
        for command in COMMAND.findall(line):
            words = command.split()
            verbs = tuple(words[:2] if words[0] == "network" and len(words) > 1 else words[:1])
            verbs = tuple(verb.rstrip(",.;:") for verb in verbs)
            text = help_of(program, verbs)
            checked += 1
            if "Usage:" not in text:
                found.append(f"{where}: rein has no '{' '.join(verbs)}'")
            for option in re.findall(r"(--[a-z][a-z0-9-]*)", command):
                if option not in text and option not in help_of(program, ()):
                    found.append(f"{where}: rein {' '.join(verbs)} has no '{option}'")
        for target in SCRIPT.findall(line):
            checked += 1
            if not (ROOT / target).exists():
                found.append(f"{where}: there is no {target}")
        for target in LINK.findall(line):
            checked += 1
            if not (page.parent / target).exists():
                found.append(f"{where}: the link to {target} leads nowhere")
    return found, checked


def main() -> int:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    results = [problems_of(sys.argv[1], page) for page in pages]
    problems = [problem for found, _ in results for problem in found]
    checked = sum(count for _, count in results)
    print("\n".join(problems) if problems else f"{len(pages)} pages: {checked} references kept")
    return 1 if problems or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
