#!/usr/bin/env python3
"""Holds docs/adding.md against the tree: every path that it names exists, no list names more code files
than its heading says, and what is in the tree already took no more than its list. And the README's table
of where things are: that its paths exist, and that it has what a newcomer asks.

  tests/adding_test.py [ROOT]   exit status 1 if anything is wrong
"""
import pathlib
import re
import sys

CODE = ("common", "platform", "models", "env", "agent", "study", "cli")
PATH = re.compile(r"`([\w./-]+/(?:[\w.-]+\.(?:cpp|hpp|py|yaml|md|txt))?|README\.md)`")
HEADING = re.compile(r"^## (.*?)(?: \((?:at most )?(\d+) code files?\))?$")
# What README.md's last section answers.
ASKED = ("a budget judged", "where an agent gets its numbers", "what is written on a SIGKILL",
         "which file to copy for a new agent")
# Of these names nobody can tell who means the agent.
WORDS = {"static", "random", "governor", "pc"}
# What names one agent beside its own files and the table, and why.
MORE_OF_AGENTS = {
    "model_based": {"study/training/sweep_lesson.cpp": "is taught by sweeps",
                    "cli/train.cpp": "is what `train` says to use"},
    "q_learning": {"cli/evaluate.cpp": "is played where nobody says who"},
    "best_static": {"cli/evaluate.cpp": "is played where nobody says who",
                    "study/evaluation/episode_task.cpp": "is searched for once",
                    "study/evaluation/evaluation_plan.cpp": "is kept from one evaluation to the next",
                    "study/run/simulated_run.cpp": "is searched for once"},
    "oracle": {"cli/evaluate.cpp": "is played where nobody says who",
               "study/evaluation/evaluation_plan.hpp": "is the measure of all others",
               "study/evaluation/evaluation_plan.cpp": "is kept from one evaluation to the next",
               "study/evaluation/episode_figures.cpp": "the same",
               "study/report/evaluation_table.cpp": "the same"},
}
# What names one kind of budget beside the listed files, and why.
MORE_OF_BUDGETS = {
    "kLatency": {"env/task.cpp": "has a price of its own",
                 "env/trace_schema.cpp": "has a share of misses beside its limit",
                 "env/feature_table.hpp": "stands where a feature is of no budget",
                 "env/observation_spec.hpp": "the same",
                 "agent/q_learning/q_learning.cpp": "tells on slower actions",
                 "agent/core/examples.cpp": "is asked for in example views",
                 "agent/model_based/model_based.cpp": "counts without a budget, too"},
    "kAccuracy": {"env/trace_schema.cpp": "is an application's, with a window",
                  "env/randomised_task.cpp": "is drawn so that it conflicts with others"},
    "kPower": {"agent/loop/shield.cpp": "is kept at any price",
               "env/trace_schema.cpp": "has a window",
               "study/training/recorded_trace.cpp": "tells on which scales a trace is",
               "agent/core/examples.cpp": "is asked for in example views",
               "agent/model_based/model_based.cpp": "is planned with"},
    "kEnergy": {"env/worth.hpp": "may be a battery", "env/budget_monitor.hpp": "the same",
                "env/budget_monitor.cpp": "the same", "env/randomised_task.cpp": "the same",
                "env/scenario.cpp": "the same", "env/observer.cpp": "the same",
                "env/trace_schema.cpp": "the same, and has a window",
                "agent/model_based/model_based.cpp": "is planned with"},
    "kTemperature": {"agent/loop/shield.cpp": "is kept at any price",
                     "env/forecaster.cpp": "is foreseen by the board's model",
                     "env/randomised_task.cpp": "is drawn so that it binds",
                     "agent/model_based/model_based.cpp": "is planned with"},
}
# Those that all of it is about: they are read everywhere.
READ_EVERYWHERE = {"power_w", "power_ours_w", "temperature_c", "frequency_mhz", "cpu_ours_share",
                   "cpu_others_share", "cpu_steal_share"}
# What names another quantity beside its row and the one sensor that it may have, and why.
# Training is asked of this one.
MORE_OF_BACK_ENDS = {"torch": {"cli/network_train.cpp"}}
MORE_OF_QUANTITIES = {
    "throttle_share": {"study/training/sweep_lesson.cpp": "is lifted while a board is swept"},
    "throttled": {"platform/sensors/thermal_attributes.cpp": "is told by a board and by a card"},
    "gpu_load_share": {"agent/rivals/governor.cpp": "is the load of a domain without CPUs",
                       "study/calibration/board_fit.cpp": "is a sensor of the board that is made"},
}


def without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)


class Tree:
    def __init__(self, root: pathlib.Path):
        self.root = root
        self.files = {
            str(path.relative_to(root)): without_comments(path.read_text())
            for folder in CODE for path in sorted((root / folder).rglob("*.[ch]pp"))
        }

    def naming(self, pattern: str) -> set[str]:
        return {name for name, text in self.files.items() if re.search(pattern, text)}

    def table(self, file: str, pattern: str) -> list[str]:
        return re.findall(pattern, self.files.get(file, ""))


def sections_of(page: str) -> dict[str, tuple[int | None, list[str]]]:
    """By heading: how many code files it allows, and its numbered items."""
    sections: dict[str, tuple[int | None, list[str]]] = {}
    heading = ""
    for line in page.splitlines():
        if match := HEADING.match(line):
            heading = match[1]
            sections[heading] = (int(match[2]) if match[2] else None, [])
        elif heading and re.match(r"\d+\. ", line):
            sections[heading][1].append(line.split(". ", 1)[1])
        elif heading and line.startswith("   ") and sections[heading][1]:
            sections[heading][1][-1] += " " + line.strip()
    return sections


def written_by(item: str) -> list[str]:
    """The files that a step is about: those before its colon."""
    return PATH.findall(item.split("`:", 1)[0] + "`" if "`:" in item else "")


def code_files(items: list[str]) -> set[str]:
    return {path for item in items for path in written_by(item)
            if path.split("/")[0] in CODE and not path.endswith("/")}


def problems_of(root: pathlib.Path) -> tuple[list[str], int]:
    page = (root / "docs/adding.md").read_text()
    tree, sections = Tree(root), sections_of(page)
    found: list[str] = []
    checked = 0

    readme = (root / "README.md").read_text()
    for name, text in (("docs/adding.md", page), ("README.md", readme)):
        for number, line in enumerate(text.splitlines(), 1):
            for path in PATH.findall(line):
                checked += 1
                place = root / path
                if not (place.parent if "NAME" in place.name else place).exists():
                    found.append(f"{name}:{number}: there is no {path}")
    for question in ASKED:
        checked += 1
        row = re.search(rf"^\| {question}[^|]*\|(.*)$", readme, re.MULTILINE)
        if not row or not PATH.search(row[1]):
            found.append(f"README.md: expected a row that says where '{question}' is, with a path")
    for heading, (allowed, items) in sections.items():
        files = code_files(items)
        if allowed is not None:
            checked += 1
            if len(files) > allowed or not items:
                found.append(f"{heading}: expected at most {allowed} code files in a list, found "
                             f"{len(files)}: {', '.join(sorted(files))}")

    def compare(what: str, files: set[str], allowed: set[str]) -> None:
        nonlocal checked
        checked += 1
        for file in sorted(files - allowed):
            found.append(f"{what}: expected in {', '.join(sorted(allowed))} alone, found in {file}")

    def has(what: str, names: list[str]) -> list[str]:
        if not names:
            found.append(f"{what}: found none in the tree")
        return names

    for name in has("agents", tree.table("agent/make_agent.cpp", r'\{\s*"(\w+)",')):
        own = {file for file in tree.files if re.fullmatch(rf"agent/\w+/{name}\.[ch]pp", file)}
        if not own and name not in WORDS:
            found.append(f"agent {name}: expected agent/*/{name}.hpp and .cpp, found neither")
        files = tree.naming(rf'"agent/\w+/{name}\.hpp"')
        if name not in WORDS:
            files |= tree.naming(rf'"{name}"')
        compare(f"agent {name}", files,
                own | {"agent/make_agent.cpp"} | set(MORE_OF_AGENTS.get(name, {})))

    listed = code_files(sections.get("A budget", (0, []))[1])
    enumeration = re.search(r"enum class Kind \{([^}]*)\}", tree.files.get("env/budgets.hpp", ""))
    for kind in has("budgets", re.findall(r"k\w+", enumeration[1]) if enumeration else []):
        name = kind.removeprefix("k")
        files = tree.naming(rf"BudgetId::Kind::{kind}\b") | tree.naming(rf"\b{name}Budget\b")
        compare(f"budget {name}", files, listed | set(MORE_OF_BUDGETS.get(kind, {})))

    rows = re.split(r"Quantity\{", tree.files.get("platform/quantities.cpp", ""))[1:]
    names = [match[1] for row in rows if (match := re.search(r'\.name = "(\w+)"', row))]
    for name in has("quantities", [each for each in names if each not in READ_EVERYWHERE]):
        files = tree.naming(rf'"{name}[."]')
        sensors = sorted(file for file in files if file.startswith("platform/sensors/"))
        # A budget's row may say that it is judged by one.
        compare(f"quantity {name}", files,
                {"platform/quantities.cpp", "env/worth.cpp", *sensors[:1],
                 *MORE_OF_QUANTITIES.get(name, {})})

    for board in has("boards", [path.stem for path in (root / "configs/boards").glob("*.yaml")]):
        if board not in WORDS:
            compare(f"board {board}", tree.naming(rf"{board}"), {"none"})

    for kind in has("engines", tree.table("models/network_kinds.cpp", r'\.name = "(\w+)"')):
        compare(f"engine {kind}", tree.naming(rf"load_{kind}_network"),
                {f"models/{kind}_network.hpp", f"models/{kind}_network.cpp",
                 "models/network_kinds.cpp"})

    for library in has("back ends", sorted({path.parent.name for path in
                                            (root / "models").glob("*/*_back_end.cpp")})):
        compare(f"back end {library}", tree.naming(rf'"{library}"'),
                {f"models/{library}/{library}_back_end.cpp", "models/module.cpp",
                 "models/slimmable_network.cpp", *MORE_OF_BACK_ENDS.get(library, {})})

    for verb in has("verbs", tree.table("cli/verbs.hpp", r"void add_(\w+)\(")):
        compare(f"verb {verb}", tree.naming(rf"\badd_{verb}\("),
                {f"cli/{verb}.cpp", "cli/verbs.hpp", "cli/main.cpp"})
    return found, checked


def main() -> int:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1]
    problems, checked = problems_of(root.resolve())
    sections = sections_of((root / "docs/adding.md").read_text())
    print("\n".join(problems) if problems else f"{checked} claims kept")
    for heading, (allowed, items) in sections.items():
        if allowed is not None:
            print(f"{heading}: {len(code_files(items))} code files of at most {allowed}")
    return 1 if problems or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
