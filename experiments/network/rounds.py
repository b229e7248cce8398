"""Who is compared by run.py, and the rounds in which they are."""
from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from onnx_model import level_name

IDENTITY = "identity"  # The level that computes nothing.


class NotAvailable(Exception):
    """Why a figure cannot be had here."""


@dataclasses.dataclass(frozen=True, order=True)
class Cell:
    threads: int
    batch: int
    precision: str
    level: str  # the width, as in 0.25


def bound(command: list[str], cpus: list[int]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cpus)), *command]


def output_of(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise NotAvailable(last[-1])
    return done.stdout


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


class Server:
    """A program that answers a line with a line of JSON, bound to CPUs, from its first question on; its main thread
    to the first of them, if it is said."""

    def __init__(self, command: list[str], cpus: list[int], main_on_first: bool = False):
        self.command, self.cpus, self.main_on_first = command, cpus, main_on_first
        self.process: subprocess.Popen | None = None
        self.ended: str | None = None  # Why.

    def ask(self, *words: object):
        if self.ended is not None:
            raise NotAvailable(self.ended)
        if self.process is None:
            self.process = subprocess.Popen(bound(self.command, self.cpus), stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if self.main_on_first:  # Before the first question, which is what makes further threads that compute.
                os.sched_setaffinity(self.process.pid, self.cpus[:1])
        try:
            print(*words, file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            said = [line for line in self.process.stderr.read().splitlines() if line.strip()] or ["no word"]
            # Of Node's many lines, that with the error.
            why = next((line for line in said if "Error:" in line), said[-1])
            self.ended = f"{pathlib.Path(self.command[0]).name} ended: {why.strip()}"
            raise NotAvailable(self.ended) from None
        if isinstance(answer, dict):
            raise NotAvailable(answer["error"])
        return answer

    def end(self) -> None:
        if self.process is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            self.process.wait()


@dataclasses.dataclass
class Rival:
    """Somebody with the two commands of onnxruntime_rounds.mjs, in one precision."""
    name: str
    server: Server
    quantile: float
    precision: str = "f32"
    identity: bool = False  # Whether its interface takes time of its own.

    def block(self, threads: int, batch: int, levels: list[str], requests: int) -> dict[Cell, float]:
        asked = [*levels, *[IDENTITY] * self.identity]
        return {Cell(threads, batch, self.precision, level):
                quantile_of(self.server.ask("time", level, self.precision, batch, requests), self.quantile)
                for level in asked}


class Rein:
    """`rein network benchmark`: a block is a call, of all levels and precisions."""
    name = "Rein"
    precision = "all"

    def __init__(self, program: str, checkpoint: pathlib.Path, cpus: list[int], quantile: float):
        self.program, self.checkpoint, self.cpus, self.quantile = program, checkpoint, cpus, quantile
        self.samples = ["--samples"] * ("--samples" in output_of([program, "network", "benchmark", "--help"]))
        self.reports: list[dict] = []

    def command(self, threads: int, batch: int, requests: int) -> list[str]:
        return bound([self.program, "network", "benchmark", str(self.checkpoint), "--batch", str(batch), "--threads",
                      str(threads), "--repeat", str(requests), "--json", *self.samples], self.cpus)

    def block(self, threads: int, batch: int, _levels: list[str], requests: int) -> dict[Cell, float]:
        report = self.report(threads, batch, requests)
        self.reports.append(report)
        return {Cell(threads, batch, precision_of(level), width_of(level)): latency_of(level, self.quantile)
                for level in report["levels"]}

    def report(self, threads: int, batch: int, requests: int) -> dict:
        said = json.loads(output_of(self.command(threads, batch, requests)))
        return {**said, "threads": threads, "batch": batch}


def precision_of(level: dict) -> str:
    return level.get("precision", "f32")


def width_of(level: dict) -> str:
    return level_name(level["width"] if "width" in level else float(level["name"]))


def latency_of(level: dict, quantile: float) -> float:
    """In ms: of all times if they are there, else the median, which is."""
    times = level.get("latency_ms", level.get("latency_p50_ms"))
    return quantile_of(times, quantile) if isinstance(times, list) else times


def quantile_of(values: list[float], quantile: float) -> float:
    """By nearest rank."""
    return sorted(values)[round(quantile * (len(values) - 1))]


class Times:
    """Of each contestant and cell, a quantile in ms a round. Who fails once is left out from then on."""

    def __init__(self) -> None:
        self.ms: dict[tuple[str, Cell], list[float]] = collections.defaultdict(list)
        self.why_not: dict[tuple[str, str, int], str] = {}  # By name, precision and threads.

    def play(self, contestants: list, threads: int, batches: tuple[int, ...], levels: list[str], rounds: int,
             requests: int) -> None:
        """Each round asks all for each batch, in an order that rotates from round to round."""
        for number in range(rounds):
            progress(f"on {threads} CPUs at a time: round {number + 1} of {rounds}")
            turn = number % len(contestants)
            for batch in batches:
                for each in contestants[turn:] + contestants[:turn]:
                    if (each.name, each.precision, threads) not in self.why_not:
                        self.take(each, threads, batch, levels, requests)
        progress("")

    def take(self, who, threads: int, batch: int, levels: list[str], requests: int) -> None:
        time.sleep(0.005)  # Those who spin while they wait come to rest.
        try:
            for cell, ms in who.block(threads, batch, levels, requests).items():
                self.ms[who.name, cell].append(ms)
        except NotAvailable as reason:
            self.why_not[who.name, who.precision, threads] = str(reason)
            for name, cell in list(self.ms):
                if name == who.name and cell.threads == threads and who.precision in ("all", cell.precision):
                    del self.ms[name, cell]

    def of(self, name: str, cell: Cell) -> list[float]:
        return self.ms.get((name, cell), [])

    def interface(self, name: str, cell: Cell) -> list[float]:
        return self.of(name, dataclasses.replace(cell, level=IDENTITY))

    def net(self, name: str, cell: Cell) -> list[float]:
        """Less what the interface took in the same round."""
        whole, interface = self.of(name, cell), self.interface(name, cell)
        return [a - b for a, b in zip(whole, interface)] if interface else whole


Quartiles = tuple[float, float, float]


def quartiles(values: list[float]) -> Quartiles:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def ratios(times: list[float], others: list[float]) -> Quartiles | None:
    """Of one's times over another's in the same round."""
    return quartiles([a / b for a, b in zip(times, others)]) if times and others else None
