"""What run.py measures of the program beside its latencies: start, memory, a live run."""
from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import os
import pathlib
import re
import signal
import statistics
import subprocess
import tempfile
import time

from rounds import NotAvailable

LONGEST_S = 900


def memory_mb(process: int, line: str = "VmRSS") -> float | None:
    """A line of /proc/PID/status; None if there is nobody (left)."""
    with contextlib.suppress(OSError):
        if found := re.search(rf"^{line}:\s+(\d+) kB", pathlib.Path(f"/proc/{process}/status").read_text(), re.M):
            return int(found[1]) / 1024
    return None


def start_ms(command: list[str], times: int) -> float:
    """Median from start to end."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken)


def peak_mb(command: list[str]) -> float:
    """Of a program that prints in the end, and finds its pipe full: held there, it can be looked at. (What wait4()
    tells has the caller's memory in it.)"""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write_end, bytes(4096))
    os.set_blocking(write_end, True)
    process = subprocess.Popen(command, stdout=write_end, stderr=subprocess.DEVNULL)
    peak, since = 0.0, time.monotonic()
    while process.poll() is None and time.monotonic() - since < 1:
        now = memory_mb(process.pid, "VmHWM") or 0.0
        if now > peak:
            peak, since = now, time.monotonic()
        time.sleep(0.01)
    process.kill()
    process.wait()
    os.close(read_end)
    os.close(write_end)
    return peak


@dataclasses.dataclass
class Growth:
    """Resident memory when so many requests were served, which fills windows and caches, and when twice as many
    were."""
    requests: int
    first_mb: float
    last_mb: float

    def kb(self) -> float:
        return 1024 * (self.last_mb - self.first_mb)


class Trace:
    """The rows of a trace that is being written."""

    def __init__(self, path: pathlib.Path):
        self.path, self.at, self.columns = path, 0, []

    def new_rows(self) -> list[dict[str, str]]:
        try:
            with open(self.path, newline="") as file:
                file.seek(self.at)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[:text.rfind("\n") + 1]
        self.at += len(whole.encode())
        rows = list(csv.reader(io.StringIO(whole)))
        if rows and not self.columns:
            self.columns = rows.pop(0)
        return [dict(zip(self.columns, row)) for row in rows]


@dataclasses.dataclass
class Live:
    ready_ms: float  # From the start until the first period began.
    resident_mb: float  # Median while it served.
    peak_mb: float
    growth: Growth


def live_run(program: str, run: pathlib.Path, settings: list[str], requests: int) -> Live:
    """A run of its own that serves twice so many requests, one after the other, alone."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "run"
        command = [program, "run", str(run), "--duration", str(LONGEST_S), "--output", str(output),
                   *[word for setting in settings for word in ("--set", setting)]]
        with open(pathlib.Path(folder) / "said", "w+") as said:
            start = time.monotonic()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
            try:
                found = watch(process, Trace(output / "trace.csv"), start, requests)
            finally:
                process.send_signal(signal.SIGINT)
                process.wait()
            said.seek(0)
            if found is None:
                raise NotAvailable((said.read().strip().splitlines() or ["the run ended early"])[-1])
    return found


def watch(process: subprocess.Popen, trace: Trace, start: float, requests: int) -> Live | None:
    ready, served, first, seen = 0.0, 0, None, []
    while process.poll() is None:
        rows = trace.new_rows()
        if rows and not ready:
            ready = time.monotonic() - start - float(rows[0]["interval_s"])
        served += sum(int(value) for row in rows for name, value in row.items() if name.startswith("served."))
        if ready and (now := memory_mb(process.pid)) is not None:
            seen.append(now)
            if first is None and served >= requests:
                first = now
            if served >= 2 * requests:
                return Live(1e3 * ready, statistics.median(seen), memory_mb(process.pid, "VmHWM") or max(seen),
                            Growth(requests, first, now))
        time.sleep(0.05 if ready else 0.001)
    return None
