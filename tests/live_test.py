#!/usr/bin/env python3
"""Checks what the live experiments reckon, without a machine: experiments/fit_to_machine.sh with a made-up program in
place of `rein`, and experiments/live/figures.py on made-up folders of runs."""
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("figures", ROOT / "experiments/live/figures.py")
figures = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(figures)

# A machine that takes IMAGE_MS for an image, TAIL times as long for one request in a hundred, and SLOWER times as long
# when it may rest between requests.
PROGRAM = r"""#!/usr/bin/env python3
import json, os, pathlib, re, sys
said = " ".join(sys.argv)
if os.environ.get("FAILS"):
    sys.exit("rein: no images")
ms = float(os.environ["IMAGE_MS"]) * int(re.search(r"batch: (\d+)", said)[1])
if "periodic" in said:
    ms *= float(os.environ["SLOWER"])
folder = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
folder.mkdir(parents=True)
busy = 1.0 if "closed_loop" in said else ms * 1e-3 * float(re.search(r"rate_hz: ([\d.]+)", said)[1])
whole = {"latency_p50_ms": ms, "latency_p99_ms": ms * float(os.environ["TAIL"]), "power_ours_w": 5 * busy}
budgets = [{"name": "latency.classifier"}] + [{"name": "power"}] * (os.environ["HAS_POWER"] == "1")
(folder / "summary.json").write_text(json.dumps({"budgets": budgets, "whole": whole, "second_half": whole}, indent=2))
"""


class FitToMachine(unittest.TestCase):
    def fitted(self, image_ms: float, tail: float = 1.2, slower: float = 1.0, has_power: bool = True) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            program = folder / "rein"
            program.write_text(PROGRAM)
            program.chmod(0o755)
            subprocess.run([ROOT / "experiments/fit_to_machine.sh", program, "run.yaml", folder / "fitted"], check=True,
                           capture_output=True,
                           env=os.environ | {"IMAGE_MS": str(image_ms), "TAIL": str(tail), "SLOWER": str(slower),
                                             "HAS_POWER": str(int(has_power))})
            lines = (folder / "fitted/settings").read_text().splitlines()
        return {key.rsplit(".", 1)[1]: float(value) for key, value in (line.split("=") for line in lines)}

    def test_a_request_of_the_usual_size_keeps_it(self):
        self.assertEqual(self.fitted(0.05), {"batch": 96, "rate_hz": 125, "deadline_ms": 6.336, "limit_w": 4.2})

    def test_a_steady_machine_has_a_quarter_to_spare(self):
        self.assertEqual(self.fitted(0.05, tail=1.01)["deadline_ms"], 6)

    def test_what_one_request_in_a_hundred_takes_does_not_make_the_deadline_lax(self):
        self.assertEqual(self.fitted(0.05, tail=9)["deadline_ms"], 7.68)

    def test_clocks_that_fall_between_requests_count_but_a_deadline_is_no_longer_than_a_gap(self):
        self.assertEqual(self.fitted(0.05, tail=1.01, slower=1.2)["deadline_ms"], 7.2)
        self.assertEqual(self.fitted(0.05, tail=3, slower=2)["deadline_ms"], 8)

    def test_a_fast_machine_gets_larger_requests_and_not_thousands_a_second(self):
        fast = self.fitted(0.005)
        self.assertEqual((fast["batch"], fast["rate_hz"]), (1000, 120))

    def test_a_slow_machine_gets_smaller_requests_and_several_a_period(self):
        slow = self.fitted(2)
        self.assertEqual((slow["batch"], slow["rate_hz"]), (2, 150))

    def test_one_image_is_the_least(self):
        self.assertEqual(self.fitted(50)["batch"], 1)

    def test_a_run_without_a_power_limit_gets_none(self):
        self.assertNotIn("limit_w", self.fitted(0.05, has_power=False))

    def test_what_fails_is_told_and_leaves_no_settings(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            program = folder / "rein"
            program.write_text(PROGRAM)
            program.chmod(0o755)
            done = subprocess.run([ROOT / "experiments/fit_to_machine.sh", program, "run.yaml", folder / "fitted"],
                                  capture_output=True, text=True, env=os.environ | {"FAILS": "1"})
            self.assertEqual((done.returncode, done.stderr), (1, "rein: no images\n"))
            self.assertFalse((folder / "fitted/settings").exists())


TRACE = """knobs:
  - name: width.classifier
    kind: width
    unit: "1"
    levels:
      - {label: "0.25", value: 0.25}
      - {label: "1.00", value: 1}
  - name: mapping.classifier
    kind: mapping
    unit: "threads"
    application: 0
    levels:
      - {label: "cpu0", value: 1}
      - {label: "all4", value: 4}
  - name: bandwidth.cpu
    kind: bandwidth
    levels:
      - {label: "1cpu", value: 1}
signals:
"""
CONFIG = """  places:
    - {name: "cpu0", device: cpu, cpus: "0", threads: 1}
    - {name: "cpu1", device: cpu, cpus: "1", threads: 1}
    - {name: "all4", device: cpu, cpus: "1-2,0,7", threads: 4}
"""


def write_run(folder: pathlib.Path, reward: float, places: str = "", came: int = 0) -> None:
    """Places: the number of the CPU in each tenth of a second, or a for all."""
    folder.mkdir(parents=True)
    whole = {"miss_share": 0.01, "accuracy_top1": 0.9, "latency_p99_ms": 5.0, "reward": reward}
    (folder / "summary.json").write_text(json.dumps({"whole": whole}))
    (folder / "config.yaml").write_text(CONFIG)
    rows = ["time_s,co_runners,granted.mapping.classifier"]
    for i, place in enumerate(places or "1"):
        rows.append(f"{i / 10},{'first-cpu' if i >= came else ''},{'all4' if place == 'a' else 'cpu' + place}")
    (folder / "trace.csv").write_text("\n".join(rows) + "\n")


class Figures(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_every_width_in_every_place_is_a_configuration(self):
        trace = self.folder / "trace.yaml"
        trace.write_text(TRACE)
        self.assertEqual([name for name, _ in figures.configurations(trace)],
                         ["0.25-cpu0", "0.25-all4", "1.00-cpu0", "1.00-all4"])
        self.assertEqual(figures.configurations(trace)[1][1], '{width: "0.25", mapping: "all4"}')

    def test_the_best_are_those_of_the_highest_mean_reward(self):
        for name, rewards in {"a": (0.1, 0.9), "b": (0.7, 0.7), "c": (0.4, 0.4), "d": (0.6, 0.6)}.items():
            for number, reward in enumerate(rewards, 1):
                write_run(self.folder / name / f"sweep-{number}", reward)
            (self.folder / name / "sweep-1.log").write_text("")
        write_run(self.folder / "model_based" / "1", 1.0)
        self.assertEqual(figures.best(self.folder), ["b", "d", "a"])

    def after(self, places: str, came: int) -> float | None:
        write_run(self.folder / places, 0.0, places, came)
        return figures.left_after(self.folder / places)

    def test_a_cpu_is_left_when_it_is_not_used_for_a_second(self):
        self.assertAlmostEqual(self.after("000000" + 12 * "1", 3), 0.3)
        self.assertAlmostEqual(self.after("aaaaaa" + 12 * "1", 3), 0.3)

    def test_a_trial_elsewhere_is_no_leaving(self):
        self.assertAlmostEqual(self.after("0000" + "11100" + 12 * "1", 4), 0.5)
        self.assertEqual(self.after("0000" + 5 * "11100", 4), float("inf"))

    def test_places_of_several_cpus_use_the_one_that_is_taken(self):
        self.assertEqual(self.after("0000" + 20 * "a", 4), float("inf"))

    def test_who_was_not_there_need_not_leave(self):
        self.assertIsNone(self.after(20 * "1", 4))

    def test_on_one_cpu_there_is_nowhere_to_go(self):
        folder = self.folder / "one"
        write_run(folder, 0.0, 20 * "0", 4)
        (folder / "config.yaml").write_text("\n".join(CONFIG.splitlines()[:2]) + "\n")
        self.assertIsNone(figures.left_after(folder))

    def test_the_table_compares_round_by_round(self):
        for number, (ours, theirs) in enumerate([(0.5, 0.4), (0.9, 0.7), (0.1, 0.2)], 1):
            write_run(self.folder / "model_based" / str(number), ours, "000000" + 12 * "1", 3)
            write_run(self.folder / "0.25-cpu0" / str(number), theirs, 20 * "0", 3)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            figures.table(self.folder)
        rows = {line.split()[0]: line for line in printed.getvalue().splitlines() if line}
        # (0.1 + 0.2 - 0.1) / 3, and a deviation of 0.153 over the root of 3.
        self.assertIn("+0.067 ±0.088", rows["0.25-cpu0"])
        self.assertIn("2 of 3", rows["0.25-cpu0"])
        self.assertIn("never, never, never", rows["0.25-cpu0"])
        self.assertIn("0.3, 0.3, 0.3", rows["model_based"])


if __name__ == "__main__":
    unittest.main()
