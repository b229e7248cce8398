#!/usr/bin/python3
"""Fits the simulated boards' parameters to the published figures and prints them.

  experiments/calibration/fit.py [BOARD...]

Only rows marked `fit` in published/*.csv are used. What is printed stands in the board files of
configs/boards, rounded; calibrate checks those files. The equations are those of
platform/board/simulation_section.hpp, so that the files can be made again. Needs numpy and scipy.
"""
import csv
import pathlib
import sys

import numpy as np
from scipy.optimize import least_squares, minimize, nnls

PUBLISHED = pathlib.Path(__file__).parent / "published"


def read(name):
    """The rows of a table, numbers as numbers."""
    with open(PUBLISHED / f"{name}.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    for row in rows:
        for key, value in row.items():
            try:
                row[key] = float(value)
            except ValueError:
                pass
    return rows


def column(rows, key):
    return np.array([row[key] for row in rows])


def is_fit(rows):
    return np.array([row["used"] == "fit" for row in rows])


def show(title, **values):
    print(f"  {title}:")
    for name, value in values.items():
        text = ", ".join(f"{v:.4g}" for v in value) if np.ndim(value) else f"{value:.4g}"
        print(f"    {name}: {text}")


def errors(title, simulated, published, used):
    """Mean and worst error in per cent, of the rows that were fitted and of those held back."""
    share = 100 * np.abs(np.asarray(simulated) / np.asarray(published) - 1)
    for name, rows in (("fit", used), ("held", ~used)):
        if rows.any():
            mean, worst = share[rows].mean(), share[rows].max()
            print(f"    {title}, {name}: mean {mean:.1f} %, worst {worst:.1f} %")


# ---------------------------------------------------------------------------------- Odroid XU3

XU3_BIG = dict(zip(range(200, 2001, 100),
                   [0.91375] * 7 + [0.92125, 0.95, 0.975, 1.0, 1.025, 1.0375, 1.05875, 1.09375,
                                    1.13125, 1.17, 1.22125, 1.2975]))
XU3_LITTLE = dict(zip(range(200, 1401, 100),
                      [0.91375] * 4 + [0.925, 0.9625, 1.0, 1.0375, 1.0725, 1.10875, 1.15, 1.19875,
                                       1.2475]))
# Leakage per K. Left free it comes out at 0.08, with which the chip would run away at 100 degC; the
# leakage that PRiME's thermal-rtm.hpp gives for this cluster, if its temperatures are degC, rises by
# 0.06 per K between 50 and 60 degC and by 0.03 at 95.
XU3_LEAKAGE_PER_K = 0.055
XU3_IDLE_C = 40.0  # While PARTSim measured idle clusters: assumed.
# When the clock was gated at 2000 MHz, as performance shows (odroid-xu3-throttling.csv). What gates
# it in the board file, trip, hysteresis and polling, is chosen by hand so that this follows.
XU3_GATED = ((7.5, 1900), (9.0, 1800))


def xu3_power(values, mhz, volts, celsius, busy, top_mhz, top_v, per_k=XU3_LEAKAGE_PER_K):
    dynamic, idle, leakage = values
    return ((dynamic * busy + idle) * mhz / top_mhz * (volts / top_v) ** 2 +
            leakage * volts / top_v * np.exp(per_k * (celsius - 25)))


def xu3_replay(values, thermal, sweep, times):
    """The hottest core at `times` when the sweep is played again from rest."""
    offset, fast_r, fast_s, slow_r, slow_s = thermal
    ends, a15 = column(sweep, "ends_s"), column(sweep, "a15_mhz")
    others = column(sweep, "a7_w") + column(sweep, "gpu_w") + column(sweep, "mem_w")

    def a15_w(mhz, volts, celsius, busy):
        return xu3_power(values, mhz, volts, celsius, busy, 2000, 1.2975)

    rest_w = 0.0
    for _ in range(50):
        celsius = 25 + offset + fast_r * rest_w + slow_r * (rest_w + others.min())
        rest_w = a15_w(200, XU3_BIG[200], celsius, 0)
    rise = np.array([fast_r * rest_w, slow_r * (rest_w + others.min())])
    step, now, stay = 0.05, 1.4, 0
    follow = 1 - np.exp(-step / np.array([fast_s, slow_s]))
    found = []
    while len(found) < len(times):
        while stay < len(ends) - 1 and now > ends[stay]:
            stay += 1
        celsius = 25 + offset + rise.sum()
        cap = min([2000] + [mhz for since, mhz in XU3_GATED if now >= since])
        watts = a15_w(min(a15[stay], cap), XU3_BIG[int(a15[stay])], celsius, 4)
        rise += follow * (np.array([fast_r * watts, slow_r * (watts + others[stay])]) - rise)
        now += step
        while len(found) < len(times) and times[len(found)] <= now:
            found.append(25 + offset + rise.sum())
    return np.array(found)


def odroid_xu3():
    sweep, clusters = read("odroid-xu3-sweep"), read("odroid-xu3-clusters")
    temperature = read("odroid-xu3-temperature")
    times, hottest = column(temperature, "time_s"), column(temperature, "hottest_c")

    # One row for each A15 frequency: the middle one of the seven stays.
    stays = np.interp(column(sweep, "ends_s"), times, hottest)
    a15 = column(sweep, "a15_mhz")
    mhz = np.unique(a15)
    watts = np.array([np.median(column(sweep, "a15_w")[a15 == f]) for f in mhz])
    speed = np.array([np.median(column(sweep, "performance")[a15 == f]) for f in mhz])
    celsius = np.array([np.median(stays[a15 == f]) for f in mhz])
    used = np.array([is_fit(sweep)[a15 == f][0] for f in mhz])
    clock = np.where(mhz == 2000, 1800, mhz)  # Gated.
    volts = np.array([XU3_BIG[int(f)] for f in mhz])

    idle = [row for row in clusters if row["cluster"] == "big" and row["workload"] == "idle"]
    idle_mhz = column(idle, "mhz")
    idle_v = np.array([XU3_BIG[int(f)] for f in idle_mhz])

    def residuals(values):
        busy = xu3_power(values, clock, volts, celsius, 4, 2000, 1.2975) / watts - 1
        rest = xu3_power(values, idle_mhz, idle_v, XU3_IDLE_C, 0, 2000, 1.2975)
        rest = rest / column(idle, "power_w") - 1
        return np.concatenate([busy[used], 0.1 * rest[is_fit(idle)]])

    big = least_squares(residuals, [1.4, 0.3, 0.015], bounds=([0, 0, 0], [5, 2, 1])).x
    show("big", dynamic_w=big[0], idle_w=big[1], leakage_w=big[2], leakage_per_k=XU3_LEAKAGE_PER_K)
    errors("power", xu3_power(big, clock, volts, celsius, 4, 2000, 1.2975), watts, used)

    # Performance in proportion to the clock, with the smallest worst error.
    slow = clock[used] / speed[used]
    per_mhz = 2 / (slow.min() + slow.max())
    show("big, whetstone with four threads", latency_ms_at_2000=1e3 / (2000 * per_mhz))
    errors("performance", clock * per_mhz, speed, used)

    little_mhz = np.array(sorted(XU3_LITTLE))
    top = XU3_LITTLE[1400]
    rows = [row for row in clusters if row["cluster"] == "little" and row["used"] == "fit"]

    def little_residuals(values):
        found = []
        for row in rows:
            v = XU3_LITTLE[int(row["mhz"])]
            none = xu3_power(values, row["mhz"], v, XU3_IDLE_C, 0, 1400, top)
            one = xu3_power(values, row["mhz"], v, XU3_IDLE_C, 1, 1400, top)
            found.append((none if row["workload"] == "idle" else one - none) / row["power_w"] - 1)
        return found

    little = least_squares(little_residuals, [0.2, 0.08, 0.001], bounds=([0, 0, 0], [1, 1, 1])).x
    show("little", dynamic_w=little[0], idle_w=little[1], leakage_w=little[2])
    stay_v = np.array([XU3_LITTLE[int(f)] for f in column(sweep, "a7_mhz")])
    errors("power in the sweep with one busy CPU",
           xu3_power(little, column(sweep, "a7_mhz"), stay_v, stays, 1, 1400, top),
           column(sweep, "a7_w"), is_fit(sweep))
    assert (np.diff(xu3_power(little, little_mhz, np.array(list(XU3_LITTLE.values())), 40, 4, 1400,
                              top)) > 0).all()

    # An idle GPU at 177 MHz, as long as leakage may rise as little as it does here.
    gpu = least_squares(
        lambda x: (x[0] * np.exp(x[1] * (stays - 25)) / column(sweep, "gpu_w") - 1)[is_fit(sweep)],
        [0.06, 0.01], bounds=([0, 0], [1, 0.06])).x
    show("gpu at 177 MHz", leakage_w_there=gpu[0], leakage_w=gpu[0] / (0.8125 / 1.15),
         leakage_per_k=gpu[1])
    show("memory", base_w=np.median(column(sweep, "mem_w")[is_fit(sweep)]))

    # Heat; the first reading is where the run starts.
    fit = is_fit(temperature)
    away = lambda x: (xu3_replay(big, x, sweep, times) - hottest)[fit]
    thermal = minimize(lambda x: (away(np.abs(x)) ** 4).mean(), [20, 5.4, 1.0, 2.2, 3.0],
                       method="Nelder-Mead", options={"maxfev": 400}).x
    show("zone", offset_k=thermal[0], fast_k_per_w=thermal[1], fast_s=thermal[2],
         slow_k_per_w=thermal[3], slow_s=thermal[4])
    away = np.abs(xu3_replay(big, thermal, sweep, times) - hottest)
    for name in ("fit", "held"):
        rows = column(temperature, "used") == name
        print(f"    degC, {name}: mean {away[rows].mean():.1f}, worst {away[rows].max():.1f}")


# --------------------------------------------------------------------------------- the Jetsons

def knee(mhz, low, knee_mhz, top=None):
    """Voltages over the highest: level up to the knee, then straight up to 1."""
    top = mhz[-1] if top is None else top
    return np.where(mhz <= knee_mhz, low, low + (1 - low) * (mhz - knee_mhz) / (top - knee_mhz))


def jetson_nano():
    rows = read("jetson-nano-gpu")
    mhz, used = column(rows, "gpu_mhz"), is_fit(rows)
    # Latency: a part that the GPU's clock shortens and one that it does not.
    design = np.stack([np.ones_like(mhz), mhz[-1] / mhz], axis=1)
    design /= column(rows, "latency_ms")[:, None]
    fixed, compute = nnls(design[used], np.ones(used.sum()))[0]
    launch = 0.6 * fixed  # Assumed: the rest waits for memory.
    memory = fixed - launch
    show("gpu, 569 MFLOPs", fixed_ms=fixed, compute_ms=compute, launch_mcycles=launch * 1.479,
         memory_ms=memory)
    latency = fixed + compute * mhz[-1] / mhz
    errors("latency", latency, column(rows, "latency_ms"), used)

    # Power at the input. Assumed: what a CPU draws; one of them is busy with the client.
    cpu_w, stall = 0.8, 0.5
    working = (compute * mhz[-1] / mhz + stall * memory) / latency
    host = cpu_w * (1 + launch / latency)

    def power(values):
        base, dynamic, low, knee_mhz = values
        volts = knee(mhz, low, knee_mhz)
        idle = 0.1 * dynamic  # Assumed.
        return base + host + (dynamic * working + idle) * mhz / mhz[-1] * volts ** 2

    fit = least_squares(lambda x: (power(x) / column(rows, "power_w") - 1)[used],
                        [2, 4, 0.85, 500], bounds=([0, 0, 0.6, 200], [4, 10, 1, 800])).x
    show("input", base_w_with_idle_cpus=fit[0])
    show("gpu", dynamic_w=fit[1], idle_w=0.1 * fit[1], knee_mhz=fit[3],
         volts_over_highest=knee(mhz, fit[2], fit[3]))
    errors("power", power(fit), column(rows, "power_w"), used)
    energy = power(fit) * latency
    print(f"    least energy at {mhz[energy.argmin()]:g} MHz")


def jetson_xavier_nx():
    rows = read("jetson-xavier-nx-slimmable")
    for device, exponent in (("cpu", 1.0), ("gpu", 0.5)):
        part = [row for row in rows if row["device"] == device]
        latency, used = column(part, "latency_ms"), is_fit(part)
        work = (column(part, "mflops") / 569) ** exponent
        design = np.stack([np.ones_like(work), work], axis=1) / latency[:, None]
        launch, full = nnls(design[used], np.ones(used.sum()))[0]
        show(f"{device}, 569 MFLOPs", exponent=exponent, launch_ms=launch,
             launch_mcycles=launch * 1.4208, work_ms=full)
        errors("latency", launch + full * work, latency, used)
    # Dynamic-OFA: MFLOPs that give the levels' ratios, with level 4 as its program takes alone.
    levels = read("jetson-xavier-nx-dynamic-ofa-levels")
    ratio = column(levels, "latency_ms") / levels[4]["latency_ms"]
    alone = read("jetson-xavier-nx-dynamic-ofa")[0]["latency_ms"]
    show("dynamic-ofa", mflops=569 * ((alone * ratio - launch) / full) ** (1 / exponent))
    beside = read("jetson-xavier-nx-dynamic-ofa")[1]["latency_ms"]
    show("dynamic-ofa", sensitivity_to_pressure_1=(beside - alone) / (alone - launch))


ORIN_LAUNCH_MS = 0.4  # Of TensorRT: assumed.


def jetson_orin_nx():
    rows = read("jetson-orin-nx-resnet50")
    mhz, used = column(rows, "gpu_mhz"), is_fit(rows)
    latency = 1e3 / column(rows, "rate_hz")
    design = np.stack([np.ones_like(mhz), mhz[-1] / mhz], axis=1) / latency[:, None]
    fixed, compute = nnls(design[used], np.ones(used.sum()))[0]
    memory = fixed - ORIN_LAUNCH_MS
    show("gpu, ResNet-50 (4100 MFLOPs)", compute_ms=compute, memory_ms=memory,
         launch_mcycles=ORIN_LAUNCH_MS * 1.984)
    simulated = fixed + compute * mhz[-1] / mhz
    errors("rate", 1 / simulated, 1 / latency, used)

    # Assumed: a CPU that launches, memory that works while the GPU waits for it.
    cpu_w, memory_w, stall = 0.9, 1.2, 0.5
    working = (compute * mhz[-1] / mhz + stall * memory) / simulated
    rest = cpu_w * ORIN_LAUNCH_MS / simulated + memory_w * memory / simulated

    def power(values):
        base, dynamic, low, knee_mhz = values
        volts = knee(mhz, low, knee_mhz)
        return base + rest + (dynamic * working + 0.1 * dynamic) * mhz / mhz[-1] * volts ** 2

    fit = least_squares(lambda x: (power(x) / column(rows, "power_w") - 1)[used],
                        [5, 4, 0.85, 600], bounds=([0, 0, 0.6, 310], [7, 12, 1, 900])).x
    show("input", base_w_with_idle_cpus_and_memory=fit[0])
    show("gpu", dynamic_w=fit[1], idle_w=0.1 * fit[1], knee_mhz=fit[3],
         volts_over_highest=knee(mhz, fit[2], fit[3]))
    errors("power", power(fit), column(rows, "power_w"), used)

    alone = {row["network"]: 1e3 / row["rate_hz"] for row in read("jetson-orin-nx-alone")}
    full = compute + memory
    show("mflops of the six (exponent 0.5)",
         **{n: 4100 * ((a - ORIN_LAUNCH_MS) / full) ** 2 for n, a in alone.items()})

    # Slow-downs: 1 + sensitivity x pressure, of the part that is not launch.
    corun = read("jetson-orin-nx-corun")
    used = is_fit(corun)
    names = list(alone)
    victim = np.array([names.index(row["victim"]) for row in corun])
    partner = np.array([names.index(row["partner"]) for row in corun])
    share = np.array([1 - ORIN_LAUNCH_MS / a for a in alone.values()])

    def slow_down(values):
        return 1 + share[victim] * values[:6][victim] * values[6:][partner]

    fit = least_squares(lambda x: (slow_down(x) / column(corun, "slow_down") - 1)[used],
                        np.full(12, 0.7), bounds=(0, 5)).x
    scale = fit[6:].max()  # The heaviest partner takes the whole GPU.
    show("sensitivity", **dict(zip(names, fit[:6] * scale)))
    show("pressure", **dict(zip(names, fit[6:] / scale)))
    errors("slow-down", slow_down(fit), column(corun, "slow_down"), used)


# ------------------------------------------------------------------------------ Raspberry Pi 4

PI_STALL_ACTIVITY = 0.9  # Of a CPU that waits for memory: assumed.


def raspberry_pi_4():
    rows = read("raspberry-pi-4")
    mhz = np.unique(column(rows, "mhz"))
    names = [name for name in dict.fromkeys(row["workload"] for row in rows) if name != "idle"]
    work = [row for row in rows if row["workload"] != "idle"]
    used = is_fit(work)
    opp = np.searchsorted(mhz, column(work, "mhz"))
    kind = np.array([names.index(row["workload"]) for row in work])
    known = np.array([any(w["mhz"] == f and w["used"] == "fit" for w in work) for f in mhz])

    # (V/U)^2 at the OPPs that may be used, straight between them; an activity for each workload.
    def squares(values):
        return np.interp(mhz, mhz[known], np.append(np.sort(values), 1.0))

    free = known.sum() - 1

    def power(values):
        return values[free:][kind] * (mhz / mhz[-1] * squares(values[:free]))[opp]

    fit = least_squares(lambda x: (power(x) / column(work, "power_w") - 1)[used],
                        np.append(np.linspace(0.85, 0.99, free), np.full(len(names), 0.6)),
                        bounds=(0, 2)).x
    volts = np.sqrt(np.maximum.accumulate(squares(fit[:free])))
    dynamic = fit[free:].max()
    show("cpu", dynamic_w=dynamic, volts_over_highest=volts)
    errors("power of the workloads", power(fit), column(work, "power_w"), used)

    # Time: compute x top / f + memory = 1 at the top.
    for i, name in enumerate(names):
        mine = kind == i
        slow = 1 / column(work, "speed")
        grown = mhz[-1] / column(work, "mhz") - 1
        pick = mine & used & (grown > 0)
        compute = min(1.0, float((grown[pick] * (slow[pick] - 1)).sum() / (grown[pick] ** 2).sum())
                      if pick.any() else 1.0)
        # Its activity at the top is that of both parts.
        whole = fit[free + i] / dynamic
        show(name, compute_ms=1e3 * compute, memory_ms=1e3 * (1 - compute),
             activity=(whole - PI_STALL_ACTIVITY * (1 - compute)) / compute)
        errors("speed", 1 / (1 + compute * grown)[mine], column(work, "speed")[mine], used[mine])

    idle = [row for row in rows if row["workload"] == "idle"]
    # All that idles with the clock is clock: leakage hides in the base.
    shape = mhz / mhz[-1] * volts ** 2
    design = np.stack([np.ones_like(mhz), shape], axis=1)
    rest = is_fit(idle)
    base, clock = nnls(design[rest], column(idle, "power_w")[rest])[0]
    show("board", base_w=base, idle_w=clock)
    errors("idle power", design @ [base, clock], column(idle, "power_w"), rest)


# ------------------------------------------------------------------------------------ the rest

def rtbench_gpu():
    rows = read("rtbench")
    used = is_fit(rows)
    images, mflops = column(rows, "batch"), column(rows, "mflops")
    latency = column(rows, "median_ms")
    size = {row["width"]: row["mflops"] for row in rows} | {0.0: 1.0}
    other_images = column(rows, "partner_batch")
    other_mflops = np.array([size[row["partner_width"]] for row in rows])
    others = column(rows, "partners")
    is_equal = column(rows, "experiment") == "equal"

    for overlapped in (False, True):
        def model(values):
            launch, full, exponent, reach, reach_equal, p = values
            p = p if overlapped else 1.0

            def alone(count, flops):
                work = full * count * (flops / 568) ** exponent
                return work, (launch ** p + work ** p) ** (1 / p)

            work, _ = alone(images, mflops)
            their_work, their_latency = alone(other_images, other_mflops)
            # Each partner presses as long as it would keep the GPU busy alone.
            pressure = np.where(is_equal, reach_equal, reach) * others * their_work / their_latency
            return (launch ** p + (work * (1 + pressure)) ** p) ** (1 / p)

        fit = least_squares(lambda x: np.log(model(x) / latency)[used], [7, 0.25, 0.5, 1, 1, 1.5],
                            bounds=([1, 0.01, 0.1, 0, 0, 1], [10, 2, 1.5, 4, 4, 20])).x
        show("overlapped" if overlapped else "launch + work", launch_ms=fit[0],
             compute_ms=fit[1], exponent=fit[2], pressure_of_a_busy_partner=fit[3],
             the_same_among_equals=fit[4], launch_overlap=fit[5] if overlapped else 1)
        errors("median", model(fit), latency, used)

    # The tail: of requests alone, a share of 0.02 in stretches (assumed).
    share = 0.02
    alone = [row for row in rows if row["partners"] == 0]
    p99 = np.exp(np.mean([np.log(row["p99_ms"] / row["median_ms"]) for row in alone])) - 1
    worst = np.exp(np.mean([np.log(row["max_ms"] / row["median_ms"]) for row in alone])) - 1
    requests = np.exp(np.mean([np.log(60e3 / row["mean_ms"]) for row in alone]))

    def quantile(x, tail):  # Exceeded by `tail` of the stretches' requests.
        return x[0] * (tail ** -x[1] - 1) / x[1]

    tail = least_squares(lambda x: [quantile(x, 0.01 / share) / p99 - 1,
                                    quantile(x, 1 / (share * requests)) / worst - 1],
                         [0.3, -0.2], bounds=([0.01, -0.5], [2, -1e-3])).x
    show("tail", tail_share=share, tail_scale=tail[0], tail_shape=tail[1])


def pc():
    rows = read("pc")
    used, latency = is_fit(rows), column(rows, "latency_ms")

    def model(values):
        launch, full, exponent = values
        return launch + full * (column(rows, "mflops") / rows[-1]["mflops"]) ** exponent

    fit = least_squares(lambda x: (model(x) / latency - 1)[used], [0.2, 5.5, 1.0],
                        bounds=([0, 0, 0.5], [2, 10, 1.5])).x
    show("24 images of 21.903 MFLOPs on one CPU", launch_ms=fit[0], work_ms=fit[1],
         compute_ms_of_one=fit[1] / 24, exponent=fit[2])
    errors("latency", model(fit), latency, used)


BOARDS = {"odroid-xu3": odroid_xu3, "jetson-nano": jetson_nano,
          "jetson-xavier-nx": jetson_xavier_nx, "jetson-orin-nx": jetson_orin_nx,
          "raspberry-pi-4": raspberry_pi_4, "rtbench-gpu": rtbench_gpu, "pc": pc}

if __name__ == "__main__":
    for board in sys.argv[1:] or BOARDS:
        print(board)
        BOARDS[board]()
