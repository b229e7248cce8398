#!/usr/bin/env python3
"""Shows include_directions.py a tree with one mistake of each kind, and one without."""
import pathlib
import subprocess
import sys
import tempfile

CHECKER = pathlib.Path(__file__).with_name("include_directions.py")
CASES = {
    "platform/kernel/a.cpp": (
        '#include "env/x.hpp"\n',
        "platform/kernel/a.cpp:1: platform/ may not see env/",
    ),
    "platform/kernel/b.cpp": ('#include "platform/board/x.hpp"\n', "expected a room below"),
    "agent/core/b.cpp": ('#include "agent/make_agent.hpp"\n', "expected a room below"),
    "agent/attic/a.cpp": ("\n", "agent/attic/a.cpp: expected a room of agent/, found none"),
    "models/a.cpp": ('#include "platform/x.hpp"\n', "models/ may not see platform/"),
    "agent/core/a.cpp": ('#include "platform/x.hpp"\n', "agent/ may not see platform/"),
    "env/a.cpp": ("#include <torch/torch.h>\n", "env/a.cpp:1: LibTorch is for models/torch/"),
    "models/b.cpp": ("#include <dnnl.hpp>\n", "models/b.cpp:1: oneDNN is for models/onednn/"),
    "agent/neural/a.cpp": ("#include <ATen/ATen.h>\n", "a.cpp:1: LibTorch is for models/"),
    "models/a.hpp": ("#pragma once\n#include <torch/torch.h>\n", "not in a header"),
    "env/b.cpp": ("#include <spdlog/spdlog.h>\n", "the log is for"),
    "common/a.hpp": ("int x;\n", "common/a.hpp: expected #pragma once"),
    "cli/a.cpp": ('#include "verbs.hpp"\n', 'expected a path from the root, found "verbs.hpp"'),
}


def check(root: pathlib.Path) -> tuple[int, str]:
    result = subprocess.run([sys.executable, CHECKER, root], capture_output=True, text=True)
    return result.returncode, result.stdout


def main() -> int:
    failures = 0
    for name, (text, expected) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / name).parent.mkdir(parents=True)
            (root / name).write_text(text)
            status, output = check(root)
            if status != 1 or expected not in output:
                print(f"{name}: expected status 1 and '{expected}', found {status} and '{output}'")
                failures += 1
            (root / name).unlink()
            (root / "env").mkdir(exist_ok=True)
            (root / "env/clean.hpp").write_text("#pragma once\n#include <vector>\n")
            status, output = check(root)
            if status != 0:
                print(f"{name}: expected a clean tree to pass, found '{output}'")
                failures += 1
    print(f"{len(CASES)} cases, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
