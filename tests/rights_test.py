#!/usr/bin/env python3
"""Runs the commands of configs/rights/60-rein.rules as udev would, on trees that read like the
kernel, and lets systemd check configs/rights/rein.service where it is installed.

  tests/rights_test.py    exit status 1 if anything is wrong
"""
import grp
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
CPUFREQ = "sys/devices/system/cpu/cpufreq/policy0"
# Tree, subsystem, the device's path (%p) and name (%k), files and the bits that the group gets.
CASES = [
    ("raspberry-pi-5", "cpu", "/devices/system/cpu/cpu0", "cpu0",
     [f"{CPUFREQ}/scaling_governor", f"{CPUFREQ}/scaling_setspeed", f"{CPUFREQ}/scaling_max_freq"], 0o020),
    ("odroid-xu3", "cpu", "/devices/system/cpu/cpu4", "cpu4",
     ["sys/devices/system/cpu/cpu4/cpufreq/scaling_governor"], 0o020),
    ("jetson-nano", "devfreq", "/class/devfreq/57000000.gpu", "57000000.gpu",
     ["sys/class/devfreq/57000000.gpu/min_freq", "sys/class/devfreq/57000000.gpu/max_freq"], 0o020),
    ("odroid-xu3", "misc", "/class/misc/mali0", "mali0",
     ["sys/class/misc/mali0/device/dvfs_max_lock"], 0o020),
    ("intel-pc", "powercap", "/class/powercap/intel-rapl:0", "intel-rapl:0",
     ["sys/class/powercap/intel-rapl:0/energy_uj"], 0o040),
]


def command_for(subsystem: str) -> str:
    rules = (ROOT / "configs/rights/60-rein.rules").read_text()
    for line in rules.splitlines():
        if line.startswith("ACTION") and f'SUBSYSTEM=="{subsystem}"' in line:
            return re.search(r"RUN\+=\"/bin/sh -c '(.*)'\"$", line).group(1)
    return "false"


def problems_of_rule(tree, subsystem, path, name, files, bits) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([ROOT / "tests/platform/make_tree.py",
                        ROOT / f"tests/platform/trees/{tree}.tree", folder], check=True)
        for file in files:
            os.chmod(pathlib.Path(folder, file), 0o600)
        command = re.sub(r"/sys(?=[/%])", f"{folder}/sys", command_for(subsystem))
        command = command.replace("%k", name).replace("%p", path).replace("$$", "$")
        command = command.replace("chgrp rein", f"chgrp {grp.getgrgid(os.getgid()).gr_name}")
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True)
        found = [f"{subsystem}: {done.stderr.strip()}"] if done.returncode else []
        for file in files:
            mode = os.stat(pathlib.Path(folder, file)).st_mode
            if mode & bits != bits:
                found.append(f"{subsystem}: {file}: the group has {mode & 0o070:o}")
        return found


def problems_of_unit() -> list[str]:
    if not shutil.which("systemd-analyze"):
        print("SKIPPED: rein.service: there is no systemd-analyze")
        return []
    with tempfile.TemporaryDirectory() as folder:
        unit = pathlib.Path(folder, "rein.service")
        text = (ROOT / "configs/rights/rein.service").read_text()
        unit.write_text(text.replace("/usr/local/bin/rein", shutil.which("true")))
        done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
        return [line for line in done.stderr.splitlines() if "rein.service" in line]


def main() -> int:
    problems = [problem for case in CASES for problem in problems_of_rule(*case)]
    problems += problems_of_unit()
    print("\n".join(problems) if problems else f"{len(CASES)} rules and a unit do what they say")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
