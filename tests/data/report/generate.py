#!/usr/bin/env python3
"""Writes two runs that look like real ones: generate.py FOLDER [PERIODS], 30 if not given.

The tests expect what is committed beside this script; with more periods it serves to look at the
report while working on it.
"""

import csv
import json
import math
import pathlib
import random
import sys

PHASES = [("quiet", ""), ("compile", "compiler"), ("burst", "compiler;video"), ("calm", "")]
BUSY = {"quiet": 0.05, "compile": 0.6, "burst": 0.9, "calm": 0.05}
PLACES = ["cpu0", "cpu1", "all2"]
ACCURACY = {0.25: 0.612, 0.5: 0.694, 0.75: 0.727, 1.0: 0.741}
PERIOD_S = 0.25
DEADLINE_MS = 50.0
POWER_LIMIT_W = 9.0
CONFIG = "board: laptop  # <two> CPUs\nscenario: office\nbudgets:\n  latency:\n    deadline_ms: 50\n"
MACHINE = {"board": "laptop", "cpu_model": "Two-core CPU", "cpus": "0-1", "hypervisor": False,
           "governors": {"cpu0": "schedutil"}}


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else None


def choose(agent, epsilon, slow, rng):
    """A width and a place: what a tuned agent would do, or its exploring."""
    if agent == "static":
        return 0.75, "cpu0", False
    if rng.random() < epsilon:
        return rng.choice(list(ACCURACY)), rng.choice(PLACES), True
    width = 1.0 if slow < 1.3 else 0.5 if slow < 2.2 else 0.25
    return width, "all2" if width == 1.0 else "cpu1", False


def make_rows(agent, periods, rng):
    rows, queue = [], 0
    for period in range(periods):
        phase, co_runners = PHASES[min(3, 4 * period // periods)]
        epsilon = 0.0 if agent == "static" else max(0.02, 0.5 * math.exp(-5 * period / periods))
        slow = 1 + 2 * BUSY[phase] * rng.uniform(0.7, 1.2)
        width, place, explored = choose(agent, epsilon, slow, rng)
        speed = {"cpu0": 1.0, "cpu1": 1.1, "all2": 1.7}[place]
        base = 55 * width**1.4 * slow / speed
        arrived = 4 + (rng.random() < 0.5)
        latencies = [(base + 8 * queue) * rng.lognormvariate(0, 0.12) for _ in range(arrived)]
        dropped = sum(latency > 4 * DEADLINE_MS for latency in latencies)
        done = [latency for latency in latencies if latency <= 4 * DEADLINE_MS]
        late = sum(latency > DEADLINE_MS for latency in done)
        queue = max(0, min(6, queue + (1 if base > 60 else -2)))
        ours = min(1.0, base * arrived / 1000 / PERIOD_S)
        others = min(1 - 0.6 * ours, BUSY[phase])
        power = 3.1 + 3.4 * ours * speed + 2.6 * others * rng.uniform(0.9, 1.1)
        objective = ACCURACY[width]
        latency_price = -2.0 * (late + dropped) / arrived
        power_price = -0.3 * max(0.0, power - POWER_LIMIT_W)
        rows.append({
            "period": period, "time_s": round(period * PERIOD_S, 3), "phase": phase,
            "co_runners": co_runners, "width.camera": width, "mapping.camera": place,
            "bandwidth.cpu0": 2 if width > 0.5 else 1, "deadline_ms.camera": DEADLINE_MS,
            "miss_rate_limit.camera": 0.01, "power_limit_w": POWER_LIMIT_W,
            "arrived.camera": arrived, "served.camera": len(done), "late.camera": late,
            "dropped.camera": dropped, "queue.camera": queue,
            "latency_mean_ms.camera": sum(done) / len(done) if done else None,
            "latency_p50_ms.camera": quantile(done, 0.5),
            "latency_p95_ms.camera": quantile(done, 0.95),
            "latency_p99_ms.camera": quantile(done, 0.99),
            "latency_max_ms.camera": max(done, default=None),
            "accuracy_top1.camera": ACCURACY[width] if done else None,
            "accuracy_measured.camera":
                sum(rng.random() < ACCURACY[width] for _ in done) / len(done) if done else None,
            "cpu_ours_share.cpu0": ours if place != "cpu1" else 0.01,
            "cpu_others_share.cpu0": others, "cpu_steal_share.cpu0": rng.uniform(0, 0.03),
            "cpu_ours_share.cpu1": ours if place != "cpu0" else 0.01,
            "cpu_others_share.cpu1": others * 0.7, "cpu_steal_share.cpu1": rng.uniform(0, 0.03),
            "pressure_cpu_share": others * ours, "power_w": power, "power_ours_w": 3.4 * ours,
            "temperature_c.package": None, "reward": objective + latency_price + power_price,
            "reward_objective": objective, "reward_latency": latency_price,
            "reward_power": power_price, "exploration": epsilon if agent != "static" else None,
            "explored": int(explored), "decision_us": rng.lognormvariate(2, 0.3),
            "learning_us": 0 if agent == "static" else rng.lognormvariate(3, 0.3),
            "skipped_periods": 0,
        })
    return rows


def mean(rows, column):
    values = [row[column] for row in rows if row[column] is not None]
    return round(sum(values) / len(values), 4) if values else None


def statistics(rows):
    late = sum(row["late.camera"] for row in rows)
    dropped = sum(row["dropped.camera"] for row in rows)
    requests = sum(row["served.camera"] + row["dropped.camera"] for row in rows)
    run = longest = 0
    for row in rows:
        misses = row["late.camera"] + row["dropped.camera"]
        run = run + misses if misses else 0
        longest = max(longest, run)
    energy = sum(row["power_w"] for row in rows) * PERIOD_S
    return {
        "requests": requests, "served": requests - dropped, "late": late, "dropped": dropped,
        "miss_share": round((late + dropped) / requests, 4) if requests else None,
        "accuracy_top1": mean(rows, "accuracy_top1.camera"),
        "accuracy_measured": mean(rows, "accuracy_measured.camera"),
        "latency_p50_ms": mean(rows, "latency_p50_ms.camera"),
        "latency_p95_ms": mean(rows, "latency_p95_ms.camera"),
        "latency_p99_ms": mean(rows, "latency_p99_ms.camera"),
        "latency_max_ms": round(max(row["latency_max_ms.camera"] or 0 for row in rows), 4),
        "power_w": mean(rows, "power_w"), "power_ours_w": mean(rows, "power_ours_w"),
        "energy_j": round(energy, 2),
        "energy_per_request_mj": round(energy * 1e3 / max(requests - dropped, 1), 2),
        "reward": mean(rows, "reward"), "longest_miss_run": longest,
    }


def write_run(folder, agent, periods):
    rows = make_rows(agent, periods, random.Random(f"{agent} {periods}"))
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "trace.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: round(value, 4) if isinstance(value, float) else value
                             for key, value in row.items()})
    phases = []
    for name, _ in PHASES:
        inside = [row for row in rows if row["phase"] == name]
        phases.append({"name": name, "start_s": inside[0]["time_s"],
                       "end_s": inside[-1]["time_s"] + PERIOD_S, "statistics": statistics(inside)})
    summary = {
        "version": "0.1.0", "agent": agent, "board": "laptop", "scenario": "office", "seed": 1,
        "objective": "max_accuracy", "periods": periods, "duration_s": periods * PERIOD_S,
        "signals": {"power_w": {"unit": "W", "source": "a model of the CPU", "estimated": True}},
        "whole": statistics(rows), "second_half": statistics(rows[periods // 2:]),
        "phases": phases, "budgets": [],
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (folder / "machine.json").write_text(json.dumps(MACHINE, indent=2) + "\n")
    (folder / "config.yaml").write_text(CONFIG + f"agent: {agent}\n")


def main():
    folder = pathlib.Path(sys.argv[1])
    periods = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    for agent in ("q_learning", "static"):
        write_run(folder / agent, agent, periods)


main()
