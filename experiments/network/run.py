#!/usr/bin/env python3
"""Rein's engine beside ONNX Runtime and beside oneDNN called by hand, in interleaved rounds: the tables, and
the figures beside their goals. README.md says what is measured how."""
from __future__ import annotations

import argparse
import array
import dataclasses
import gzip
import json
import os
import pathlib
import random
import re
import statistics
import sys

import onnx_model
import program
from rounds import (Cell, NotAvailable, Quartiles, Rein, Rival, Server, Times, latency_of, output_of, precision_of,
                    progress, ratios, width_of)

HERE = pathlib.Path(__file__).resolve().parent
BATCHES = (1, 8, 24)
PRECISIONS = ("f32", "bf16", "int8")
ORT, HAND = "ONNX Runtime", "oneDNN by hand"
PINNED = "ONNX Runtime without spinning, a CPU a thread"
# What ONNX Runtime is told, with two threads.
SESSION_OPTIONS = {
    ORT: {},
    "ONNX Runtime without spinning": {"intra_op": {"allow_spinning": "0"}},
    PINNED: {"intra_op": {"allow_spinning": "0"}},
}
GROWTH_REQUESTS = 100_000
# The live run: the quickstart's with one image a request, one request after the other, alone.
LIVE_RUN = HERE.parents[1] / "configs/runs/quickstart.yaml"
LIVE_SETTINGS = ["scenario=../scenarios/alone.yaml",
                 "applications.0.requests={arrival: closed_loop, batch: 1}"]
LIVE_GOALS = (("live run: from the start until it serves, median of 5", 150, "ms"),
              ("live run: resident", 50, "MB"),
              ("live run: growth over requests", 256, "kB"))


# What is printed.

def table(title: str, heads: list[str], rows: list[list[str]]) -> None:
    print(f"\n{title}\n")
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    for row in [heads, *rows]:
        print("  ".join(f"{text:>{width}}" for text, width in zip(row, widths)))


def in_ms(values: list[float]) -> str:
    return f"{statistics.median(values):.3f}" if values else "-"


def with_quartiles(found: Quartiles | None) -> str:
    return f"{found[1]:.3f} [{found[0]:.3f} {found[2]:.3f}]" if found else "-"


@dataclasses.dataclass
class Comparison:
    """Of Rein with a rival: the ratios of each cell."""
    cells: dict[Cell, Quartiles]

    def mean(self) -> float | None:
        return statistics.mean(each[1] for each in self.cells.values()) if self.cells else None

    def worst(self) -> float | None:
        return max((each[1] for each in self.cells.values()), default=None)

    def where(self) -> str:
        if not self.cells:
            return ""
        cell = max(self.cells, key=lambda each: self.cells[each][1])
        return f"width {cell.level}, batch {cell.batch}"

    def __str__(self) -> str:
        return f"mean {self.mean():.3f}, worst {self.worst():.3f} ({self.where()})" if self.cells else "nothing to compare"


class Report:
    """Prints; and keeps all of it as JSON."""

    def __init__(self, times: Times, levels: list[str], notes: dict):
        self.times, self.levels = times, levels
        self.json: dict = {**notes, "times_ms": [], "ratios": [], "accuracy_top1": {}, "goals": []}

    def cells(self, threads: int, precision: str) -> list[Cell]:
        return [Cell(threads, batch, precision, level) for batch in BATCHES for level in self.levels]

    def beside(self, threads: int, precision: str, rival: str) -> Comparison:
        """A row a cell: Rein's time, the rival's, and what Rein's is of that."""
        title = f"{precision}, {threads} thread{'s' * (threads > 1)}: {rival}"
        if why := self.times.why_not.get((rival, precision, threads)):
            print(f"\nSKIPPED: {title}: {why}")
            return Comparison({})
        interface = bool(self.times.interface(rival, self.cells(threads, precision)[0]))
        heads = ["batch", "width", "Rein ms", "its ms", *["interface ms", "net ms"] * interface,
                 "Rein / net [quartiles]" if interface else "Rein / its [quartiles]"]
        rows, found = [], Comparison({})
        for cell in self.cells(threads, precision):
            own, net = self.times.of("Rein", cell), self.times.net(rival, cell)
            if share := ratios(own, net):
                found.cells[cell] = share
            its = [self.times.of(rival, cell), *[self.times.interface(rival, cell), net] * interface]
            rows.append([str(cell.batch), cell.level, in_ms(own), *map(in_ms, its), with_quartiles(share)])
        table(title, heads, rows)
        print(f"Rein over {rival}: {found}")
        self.json["ratios"] += [{**dataclasses.asdict(cell), "rival": rival, "quartiles": each}
                                for cell, each in found.cells.items()]
        return found

    def beside_float(self, precision: str) -> None:
        """Rein's and oneDNN's times in a precision as shares of their own in float."""
        who = [each for each in ("Rein", HAND) if self.times.of(each, self.cells(1, precision)[0])]
        rows = [[str(cell.batch), cell.level, *[with_quartiles(self.share_of_float(each, cell)) for each in who]]
                for cell in self.cells(1, precision)]
        if who:
            table(f"{precision} over f32, 1 thread: each beside itself [quartiles]", ["batch", "width", *who], rows)

    def share_of_float(self, who: str, cell: Cell) -> Quartiles | None:
        return ratios(self.times.of(who, cell), self.times.of(who, dataclasses.replace(cell, precision="f32")))

    def goal(self, name: str, value: float | None, limit: float, unit: str = "", note: str = "") -> None:
        standing = "not available" if value is None else "met" if value <= limit else "MISSED"
        digits = "" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
        wanted = f"goal at most {limit:g} {unit}".strip()
        print(f"{standing:<13}  {name:<78}  {f'{digits} {unit}' if digits else '':>12}  {wanted:<24}  {note}".rstrip())
        self.json["goals"].append({"name": name, "value": value, "limit": limit, "unit": unit, "note": note})


# Answers.

@dataclasses.dataclass
class Images:
    """In MODELS_FOLDER/images, where the rivals read them."""
    count: int
    labels: bytes  # Empty where the images are noise.


def write_images(network: onnx_model.Network, data: pathlib.Path, models: pathlib.Path) -> Images:
    pixels, labels = test_images(network, data)
    if not labels:
        pixels = random.Random(1).randbytes(100 * network.channels * network.height * network.width)
    (models / "images").write_bytes(pixels)
    return Images(len(pixels) // (network.channels * network.height * network.width), labels)


def test_images(network: onnx_model.Network, data: pathlib.Path) -> tuple[bytes, bytes]:
    if network.dataset != "fashion-mnist":
        print(f"SKIPPED: top-1 of the others: it is measured on fashion-mnist, the network is of {network.dataset}")
        return b"", b""
    try:
        return tuple(gzip.decompress((data / f"t10k-{name}-ubyte.gz").read_bytes())[skip:]
                     for name, skip in (("images-idx3", 16), ("labels-idx1", 8)))
    except OSError as error:
        print(f"SKIPPED: top-1 of the others: {error}")
        return b"", b""


def logits_of(rival: Rival, models: pathlib.Path, level: str, images: Images) -> array.array:
    rival.server.ask("logits", level, rival.precision, images.count, "logits")
    return array.array("f", (models / "logits").read_bytes())


def top1_of(logits: array.array, labels: bytes) -> float:
    classes = len(logits) // len(labels)
    right = sum(max(range(classes), key=logits[i * classes:(i + 1) * classes].__getitem__) == label
                for i, label in enumerate(labels))
    return right / len(labels)


def print_accuracy(report: Report, rein: Rein, rivals: list[Rival], models: pathlib.Path, images: Images) -> None:
    progress("accuracy")
    found: dict[str, dict[str, float]] = {}
    why_not: dict[str, str] = {}
    apart: dict[str, float] = {}
    try:
        evaluated = json.loads(output_of([rein.program, "network", "evaluate", str(rein.checkpoint), "--json"]))
        for level in evaluated["levels"]:
            found.setdefault(f"Rein {precision_of(level)}", {})[width_of(level)] = level["accuracy_top1"]
    except NotAvailable as reason:
        why_not["Rein"] = str(reason)
    first: dict[str, array.array] = {}  # By level: the logits that the others are compared with.
    for rival in rivals:
        name = f"{rival.name} {rival.precision}"
        try:
            for level in report.levels:
                logits = logits_of(rival, models, level, images)
                if images.labels:
                    found.setdefault(name, {})[level] = top1_of(logits, images.labels)
                if level in first:
                    difference = max(abs(a - b) for a, b in zip(logits, first[level]))
                    apart[name] = max(apart.get(name, 0.0), difference)
                first.setdefault(level, logits)
        except NotAvailable as reason:
            why_not[name] = str(reason)
    progress("")
    if found:
        table("top-1, %", ["", *report.levels],
              [[name, *[f"{100 * of_level[level]:.2f}" if level in of_level else "-" for level in report.levels]]
               for name, of_level in found.items()])
    print()
    for name, difference in apart.items():
        print(f"largest difference of {name}'s logits from those of {rivals[0].name} {rivals[0].precision}, "
              f"{images.count} images: {difference:.2g}")
    for name, why in why_not.items():
        print(f"SKIPPED: {name}: {why}")
    report.json["accuracy_top1"] = found
    report.json["logits_apart"] = apart


# The figures beside the goals.

def latency_goals(report: Report, found: dict[tuple[int, str, str], Comparison]) -> None:
    """By threads, precision and rival."""
    times, narrowest, widest = report.times, report.levels[0], report.levels[-1]
    nothing = Comparison({})
    ort = found.get((1, "f32", ORT), nothing)
    report.goal("f32 over ONNX Runtime, 1 thread: mean of the cells", ort.mean(), 0.95)
    report.goal("f32 over ONNX Runtime, 1 thread: worst cell", ort.worst(), 1.03, note=ort.where())
    for (threads, precision, rival), each in found.items():
        if rival == HAND or threads == 2:
            report.goal(f"{precision} over {rival}, {threads} thread{'s' * (threads > 1)}: worst cell", each.worst(),
                        1.05 if rival == HAND else 1.0,
                        note=f"{each.where()}; mean {each.mean():.3f}" if each.cells else "nothing to compare")
    cell = Cell(1, 24, "bf16", widest)
    share, hand = report.share_of_float("Rein", cell), report.share_of_float(HAND, cell)
    report.goal("bf16 over f32, 1 thread, full width, batch 24", share[1] if share else None, 0.3,
                note="; ".join(([] if share else ["`rein network benchmark` names no bf16 level"])
                               + ([f"by hand {hand[1]:.3f}"] if hand else [])
                               + ([] if "amx_bf16" in cpu_name() else ["this CPU has no amx_bf16"])))
    own = times.of("Rein", Cell(1, 1, "f32", narrowest))
    report.goal("request of the narrowest level, f32, batch 1, 1 thread", 1e3 * statistics.median(own), 40, "us")


def accuracy_goal(report: Report) -> None:
    found = report.json["accuracy_top1"]
    f32 = [of_level for name, of_level in found.items() if name.endswith(" f32")]
    off = None
    if "Rein f32" in found and len(f32) > 1:
        off = 100 * max(abs(each[level] - found["Rein f32"][level]) for each in f32 for level in report.levels)
    report.goal("f32 top-1 of the others off Rein's, worst width", off, 0.02, "points",
                "" if f32 else "there is nobody to compare with")


def switching_goals(report: Report, rein: Rein) -> None:
    levels = [{"batch": each["batch"], **level} for each in rein.reports if each["threads"] == 1
              for level in each["levels"]]
    p99 = [level["switch_p99_us"] for level in levels if "switch_p99_us" in level]
    p50 = [level["switch_us"] for level in levels if "switch_us" in level]
    note = [] if p99 else ["`rein network benchmark` tells no 99th percentile"]
    note += [f"median {statistics.median(p50):.2g} us"] if p50 else []
    report.goal("switching, 99th percentile, worst call", max(p99, default=None), 10, "us", "; ".join(note))
    after = {batch: [level["after_switch_p50_ms"] / latency_of(level, 0.5) for level in levels
                     if "after_switch_p50_ms" in level and level["batch"] == batch] for batch in BATCHES}
    everything = [each for some in after.values() for each in some]
    report.goal("first request after a switch over later ones, median",
                statistics.median(everything) if everything else None, 1.05,
                note="; ".join(f"batch {batch}: {statistics.median(some):.2f}" for batch, some in after.items() if some)
                or "`rein network benchmark` does not tell")


def program_goals(report: Report, rein: Rein, quick: bool) -> None:
    help_command = [rein.program, "--help"]
    nothing = program.start_ms(["true"], 20)
    report.goal("`rein --help`", program.start_ms(help_command, 20), 20, "ms",
                f"`true` {nothing:.2g} ms; {program.peak_mb(help_command):.1f} MB at its peak")
    progress("live runs")
    try:
        starts = [program.live_run(rein.program, LIVE_RUN, LIVE_SETTINGS, 0).ready_ms for _ in range(5)]
        live = program.live_run(rein.program, LIVE_RUN, LIVE_SETTINGS, GROWTH_REQUESTS // (20 if quick else 1))
        figures = ((statistics.median(starts), f"at best {min(starts):.0f} ms"),
                   (live.resident_mb, f"at its peak {live.peak_mb:.1f} MB"),
                   (live.growth.kb(), growth_note(live.growth)))
    except NotAvailable as reason:
        figures = ((None, str(reason)),) * 3
    progress("")
    for (name, limit, unit), (value, note) in zip(LIVE_GOALS, figures):
        report.goal(name, value, limit, unit, note)
    progress("growth")
    benchmark_growth = growth_of_benchmark(rein, GROWTH_REQUESTS // (20 if quick else 1))
    progress("")
    report.goal("`rein network benchmark`: growth over requests, less its list of times",
                benchmark_growth.kb() - 8 * benchmark_growth.requests / 1024 if benchmark_growth else None, 256,
                "kB", growth_note(benchmark_growth) if benchmark_growth else "it does not tell its `resident_mb`")


def growth_of_benchmark(rein: Rein, requests: int) -> program.Growth | None:
    """By what two calls tell of themselves."""
    levels = len(rein.reports[0]["levels"])
    once, twice = (rein.report(1, 1, -(-count // levels)).get("resident_mb") for count in (requests, 2 * requests))
    return None if once is None or twice is None else program.Growth(requests, once, twice)


def growth_note(growth: program.Growth) -> str:
    return f"{growth.first_mb:.1f} MB after {growth.requests} requests, {growth.last_mb:.1f} MB after twice as many"


# The machine.

def cpu_name() -> str:
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"^model name\s*: (.*)$", text, re.M)
    flags = set(text.split())
    has = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
           if flag in flags]
    return f"{name[1] if name else 'unknown CPU'} ({', '.join(has) or os.uname().machine})"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    root = HERE.parents[1]
    parser.add_argument("--rein", default=str(root / "build/release/cli/rein"), help="the program")
    parser.add_argument("--checkpoint", type=pathlib.Path, default=root / "models/trained/fashion-mnist.rein")
    parser.add_argument("--onednn", help="the program onednn_by_hand")
    parser.add_argument("--onnxruntime", help="the folder with node_modules/onnxruntime-node")
    parser.add_argument("--models", type=pathlib.Path, default=root / "build/network/models",
                        help="a folder for the network in others' formats")
    parser.add_argument("--data", type=pathlib.Path, default="/usr/share/datasets/fashion-mnist", help="the test images")
    parser.add_argument("--rounds", type=int, help="default 20, with --quick 3")
    parser.add_argument("--requests", type=int, help="of a level in a round; default 50, with --quick 20")
    parser.add_argument("--quantile", type=float, default=0.5,
                        help="of a block's times: 0.5, or less where others use the machine, so that what was "
                        "interrupted does not count")
    parser.add_argument("--quick", action="store_true", help="a look in two or three minutes")
    parser.add_argument("--output", type=pathlib.Path, help="a file for all of it as JSON")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 20)
    arguments.requests = arguments.requests or (20 if arguments.quick else 50)
    if min(arguments.rounds, arguments.requests) < 1:
        parser.error("--rounds, --requests: expected at least 1")
    if not 0 <= arguments.quantile <= 1:
        parser.error(f"--quantile: expected 0 to 1, found {arguments.quantile:g}")
    return arguments


def cores(count: int) -> list[int]:
    """A CPU of as many cores as there are, at most `count`: the fastest kind, then the highest numbers."""
    def file_of(cpu: int, name: str) -> str:
        try:
            return pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}/{name}").read_text().strip()
        except OSError:
            return ""
    found: dict[str, int] = {}
    for cpu in sorted(os.sched_getaffinity(0), key=lambda each: (int(file_of(each, "cpu_capacity") or 0), each),
                      reverse=True):
        found.setdefault(file_of(cpu, "topology/thread_siblings_list") or str(cpu), cpu)
    return sorted(list(found.values())[:count])


def main() -> int:
    arguments = parse()
    network = onnx_model.read_checkpoint(arguments.checkpoint)
    levels = list(network.levels)
    both = cores(2)
    one = both[-1:]

    def hand(on: list[int], precision: str) -> Rival:
        command = [arguments.onednn, str(arguments.models), ",".join(map(str, on))]
        return Rival(HAND, Server(command, on), arguments.quantile, precision)

    def onnxruntime(on: list[int], name: str) -> Rival:
        options = SESSION_OPTIONS[name]
        if name == PINNED:  # The thread beside Node's own; CPUs count from 1.
            options = {**options, "intra_op_thread_affinities": str(on[1] + 1)}
        command = ["node", str(HERE / "onnxruntime_rounds.mjs"), arguments.onnxruntime, str(arguments.models),
                   str(len(on)), json.dumps({"extra": {"session": options}})]
        return Rival(name, Server(command, on, main_on_first=name == PINNED), arguments.quantile, identity=True)

    alone, together = [], []
    if arguments.onednn:
        alone += [hand(one, "f32"), hand(one, "bf16")]
        together += [hand(both, "f32")]
    if arguments.onnxruntime:
        alone += [onnxruntime(one, ORT)]
        together += [onnxruntime(both, name) for name in SESSION_OPTIONS]
    if len(both) < 2:
        together = []

    load = os.getloadavg()[0]
    print(f"{arguments.checkpoint}\n{cpu_name()}\n"
          f"{arguments.rounds} rounds of {arguments.requests} requests of each level and batch, of whose times the quantile "
          f"{arguments.quantile:g} counts.\nRein, ONNX Runtime with its Node and oneDNN by hand are bound to CPU {one[0]}; with two threads to CPUs "
          f"{' and '.join(map(str, both))}")
    for skipped, what, why in (
            (not arguments.onnxruntime, ORT, "expected --onnxruntime, found none"),
            (not arguments.onednn, HAND, "expected --onednn, found none"),
            (len(both) < 2, "two threads", "expected two cores, found one")):
        if skipped:
            print(f"SKIPPED: {what}: {why}")
    if load > 0.3:
        print(f"NOT IDLE: a load of {load:.2f} before the first round: the figures are provisional")

    try:
        onnx_model.write_models(network, arguments.models)
        images = write_images(network, arguments.data, arguments.models)
        times, rein = Times(), Rein(arguments.rein, arguments.checkpoint, one, arguments.quantile)
        times.play([rein, *alone], 1, BATCHES, levels, arguments.rounds, arguments.requests)
        if together:
            rein.cpus = both
            times.play([rein, *together], 2, BATCHES, levels, arguments.rounds, arguments.requests)
            rein.cpus = one
        for (name, _precision, _threads), why in times.why_not.items():
            if name == rein.name:
                raise NotAvailable(why)
        print_all(Report(times, levels, {"checkpoint": str(arguments.checkpoint), "cpu": cpu_name(), "load": load,
                                         "rounds": arguments.rounds, "requests": arguments.requests,
                                         "quantile": arguments.quantile}),
                  rein, alone, together, arguments, images)
    except NotAvailable as reason:
        print(f"{arguments.rein}: expected a program that measures its network, found: {reason}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename}: expected what can be read, written or run, found: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        for rival in alone + together:
            rival.server.end()
    return 0


def print_all(report: Report, rein: Rein, alone: list[Rival], together: list[Rival], arguments: argparse.Namespace,
              images: Images) -> None:
    found: dict[tuple[int, str, str], Comparison] = {}
    for precision in PRECISIONS:
        for each in alone:
            if each.precision == precision:
                found[1, precision, each.name] = report.beside(1, precision, each.name)
        if precision != "f32":
            report.beside_float(precision)
    for each in together:
        found[2, each.precision, each.name] = report.beside(2, each.precision, each.name)
    print_accuracy(report, rein, alone, arguments.models, images)
    print()
    accuracy_goal(report)
    latency_goals(report, found)
    switching_goals(report, rein)
    program_goals(report, rein, arguments.quick)
    report.json["times_ms"] = [{**dataclasses.asdict(cell), "who": who, "rounds": values}
                               for (who, cell), values in report.times.ms.items()]
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(report.json, indent=1) + "\n")
        print(f"\n{arguments.output}")


if __name__ == "__main__":
    sys.exit(main())
