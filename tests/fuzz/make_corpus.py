#!/usr/bin/env python3
"""Makes tests/fuzz/corpus anew: a few good inputs for each reader, from what the repository has and
from what short runs write, so that the corpus follows the formats. Small ones: a fuzzer makes
thousands of variants of each a second.

  tests/fuzz/make_corpus.py REIN

What is made is read without a mistake, but for `refused-...`. Keeps what is named `found-...`: inputs
that went wrong once, each by what it did.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / 'tests/fuzz/corpus'
BETWEEN = b'\n=====\n'

# As tests/support/simulated_board.hpp and simulated_run_files.hpp have them.
BOARD = '''name: small
cpus: "0-1"
domains:
  - {name: cpu, policy: policy0, cpus: "0-1", opps_mhz: [500, 1000], opps_v: [0.5, 1]}
places:
  - {name: cpu0, cpus: "0"}
  - {name: all2, cpus: "0-1"}
total_power: [board]
bandwidth: {levels_cpus: [0.5, 1, 2], period_ms: 10}
power_model: {idle_w: 1, cpu_w: 2}
simulation:
  ambient_c: 20
  cpu_tick_ms: 0
  zones:
    - {name: soc, stages: [{resistance_k_per_w: 10, time_constant_s: 5}]}
  devices:
    - {domain: cpu, zone: soc, dynamic_w: 2, idle_w: 0.5, stall_activity: 1,
       launch_ms: 1,
       kinds: {cnn: {reference_mflops: 100, compute_ms: 8, memory_ms: 2}}}
  rails: [{name: board, devices: [cpu], base_w: 1}]
  sensors:
    - {signal: power_w.board}
    - {signal: temperature_c.soc}
'''
NETWORK = '''name: net
kind: cnn
levels:
  - {width: 0.5, top1: 0.6, mflops: 50}
  - {width: 1.0, top1: 0.8, mflops: 100}
'''
SCENARIO = '''name: test
co_runners:
  busy: {contention: {cpu: {all: 1}, on_ms: 30, off_ms: 70}}
phases:
  - {name: first, duration_s: 1}
  - {name: second, duration_s: 1, co_runners: [busy], rate_hz: 30, ambient_c: 40}
  - {name: third, duration_s: 1, relative: {deadline: 0.5, power: 2, battery: 1}}
'''
CHAIN = '''name: drawn
chain: {duration_s: 20, start_s: 1, end_s: 18, next: {a: {b: 2}}}
phases:
  - {name: a, duration_s: 2}
  - {name: b, duration_s: 1, budgets: {latency: {deadline_ms: 9}}, relative: {rate: 2}}
'''
RUN = '''platform: {kind: simulated}
board: board.yaml
applications:
  - name: app
    network: {kind: simulated, levels: network.yaml}
    requests: {arrival: ARRIVAL, rate_hz: 20, batch: 1}
budgets:
  latency: {deadline_ms: 20, miss_rate: 0}
  power: {limit_w: 3}
objective: max_accuracy
agent: {kind: AGENT}
scenario: scenario.yaml
period_ms: 100
'''
VARIANTS = '''- {name: one, agent: {kind: dqn, hidden: [8], discount: 0.5}}
- name: two
  agent: {kind: q_learning, learning_rate: 0.1}
  practice: 3
  shield: {tolerance: 0.1}
- {name: three, agent: {kind: governor, governor: ondemand}}
'''
STATE = '''rein-state 1 4711 2f1c0b4e-0000-4000-8000-123456789abc
value /sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq\t1500000
write /sys/fs/cgroup/rein/cpu.max\tmax 100000
'''
AGENTS = ('q_learning', 'model_based', 'dqn', 'actor_critic', 'static', 'prime_q', 'ztt')
LIMIT = 96 * 1024  # A larger input is no help to a fuzzer.


def run(rein, *arguments):
    subprocess.run([rein, '--log-level', 'off', *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL)


def put(reader, name, content):
    """An input, unless it is larger than is of use."""
    content = content if isinstance(content, bytes) else content.encode()
    if len(content) > LIMIT:
        print(f'{reader}/{name}: left out, {len(content)} bytes')
        return
    (CORPUS / reader).mkdir(parents=True, exist_ok=True)
    (CORPUS / reader / name).write_bytes(content)


def first_lines(file, count):
    return b''.join(file.read_bytes().splitlines(keepends=True)[:count])


def small_network(version):
    """A network of two classes, as models/slimmable_checkpoint.cpp writes it: of one layer at version 1;
    from version 2 on also a depthwise and a 1x1 one, precisions and ranges."""
    import struct
    import zlib

    def number(value):
        return struct.pack('<I', value)

    def text(value):
        return number(len(value)) + value.encode()

    def real(value):
        return struct.pack('<d', value)

    layers = [(3, False), (3, True), (1, False)] if version >= 2 else [(3, False)]  # Kernel, depthwise.
    widths = (0.5, 1.0)
    body = b'REINNET\n' + number(version) + text('made up') + text('none') + number(1) + number(8) + number(8)
    body += number(2) + text('one') + text('other') + number(len(layers))
    for kernel, depthwise in layers:
        body += number(2) + number(1)
        if version >= 2:
            body += number(kernel) + number(depthwise)
    body += number(len(widths))
    for width in widths:
        if version == 1:
            body += real(width) + real(0.5)
        else:
            precisions = ('f32', 'bf16', 'int8') if width == 1 else ('f32',)
            body += real(width) + number(len(precisions)) + b''.join(text(name) + real(0.5) for name in precisions)
            ranges = [2.5] * len(layers) if width == 1 else []
            body += number(len(ranges)) + struct.pack(f'<{len(ranges)}f', *ranges)
    tensors = {'classifier.weight': (2, 2), 'classifier.bias': (2,)}
    for layer, (kernel, depthwise) in enumerate(layers):
        tensors[f'conv{layer}.weight'] = (2, 1 if depthwise or layer == 0 else 2, kernel, kernel)
        for i, channels in enumerate((1, 2)):
            for part in ('mean', 'scale', 'shift', 'variance'):
                tensors[f'level{i}.norm{layer}.{part}'] = (channels,)
    body += number(len(tensors))
    for name, shape in sorted(tensors.items()):
        size = 1
        for side in shape:
            size *= side
        body += text(name) + number(len(shape)) + b''.join(map(number, shape))
        body += struct.pack(f'<{size}f', *([0.5] * size))
    return body + number(zlib.crc32(body))


def small_images():
    images = b'\0\0\x08\x03' + b''.join(n.to_bytes(4, 'big') for n in (2, 8, 8)) + bytes(range(128))
    labels = b'\0\0\x08\x01' + (2).to_bytes(4, 'big') + b'\3\7'
    return images, labels


def make(rein, folder):
    (folder / 'board.yaml').write_text(BOARD)
    (folder / 'network.yaml').write_text(NETWORK)
    (folder / 'scenario.yaml').write_text(SCENARIO)
    (folder / 'chain.yaml').write_text(CHAIN)

    def run_file(agent, arrival='periodic'):
        file = folder / f'{agent}.yaml'
        rate = 'rate_hz: 20, ' if arrival != 'closed_loop' else ''
        file.write_text(RUN.replace('AGENT', agent).replace('ARRIVAL', arrival)
                        .replace('rate_hz: 20, ', rate))
        return file

    put('board', 'small.yaml', BOARD)
    for name in ('jetson-nano', 'odroid-xu3', 'pc'):
        put('board', f'{name}.yaml', (ROOT / f'configs/boards/{name}.yaml').read_bytes())
    put('application', 'small.yaml', NETWORK)
    for file in sorted((ROOT / 'configs/applications').glob('*.yaml'))[:3]:
        put('application', file.name, file.read_bytes())
    put('scenario', 'small.yaml', SCENARIO)
    put('scenario', 'chain.yaml', CHAIN)
    for file in sorted((ROOT / 'configs/scenarios').glob('*.yaml')):
        put('scenario', file.name, file.read_bytes())
    put('variants', 'small.yaml', VARIANTS)
    put('state', 'small', STATE)

    for agent in AGENTS:
        out = folder / agent
        hidden = ['--set', 'agent.hidden=[4]'] if agent in ('dqn', 'actor_critic') else []
        run(rein, 'run', run_file(agent), '--output', out, '--duration', 2, *hidden)
        put('agent', f'{agent}.json', (out / 'checkpoint/agent.json').read_bytes())
    out = folder / 'q_learning'
    put('trace', 'small.csv', first_lines(out / 'trace.csv', 6))
    put('trace', 'described', first_lines(out / 'trace.csv', 6) + BETWEEN + (out / 'trace.yaml').read_bytes())
    put('report', 'small', BETWEEN.join(((out / 'summary.json').read_bytes(),
                                         first_lines(out / 'trace.csv', 6),
                                         (out / 'machine.json').read_bytes())))
    config = (out / 'config.yaml').read_bytes()
    put('run', 'small.yaml', config)
    put('run', 'settings', config + BETWEEN + b'period_ms=50\nagent={kind: dqn, hidden: [4]}\n'
        b'applications.0.requests.rate_hz=100\nshield={tolerance: 0.1}\n')
    put('run', 'refused-without-its-files.yaml', (ROOT / 'configs/runs/quickstart.yaml').read_bytes())
    run(rein, 'run', run_file('model_based', 'closed_loop'), '--output', folder / 'closed',
        '--duration', 1, '--set', f'scenario={folder}/chain.yaml')
    put('run', 'closed-loop.yaml', (folder / 'closed/config.yaml').read_bytes())

    run(rein, 'profile', run_file('static'), '--output', folder / 'profile.csv', '--periods', 1,
        '--settle', 0)
    put('profile', 'small.csv', (folder / 'profile.csv').read_bytes())
    put('measured', 'small.csv', b'# of nobody\nnetwork,kind,mflops,gpu_mhz,memory_mhz,latency_ms,power_w,'
        b'temperature_c,co_runner,held_back\n' + b''.join(
            f'{n},cnn,{m},{g},{e},{1 + 9 * m / g + 2 * m / e},{1 + g / 100},{30 + g / 20},,{h}\n'.encode()
            for n, m in (('a', 100), ('b', 300)) for g in (100, 200, 300, 400)
            for e, h in ((800, ''), (1600, 'yes'))) + b',,,100,800,,1.1,,,\na,cnn,100,400,1600,9,3,,b,\n')
    put('measured', 'threads.csv', b'network,cpu_mhz,threads,latency_ms\na,500,1,20\na,1000,1,10\na,1000,2,6\n')
    put('measured', 'refused-one-frequency.csv', b'network,gpu_mhz,latency_ms\na,100,9\na,100,9\n')
    put('arrivals', 'small.csv', b'arrival_s,tokens\n-1,4\n0.5,3\n0.5,1\n2e3,9\n')
    put('arrivals', 'refused-backwards.csv', b'arrival_s\n1\n0\n')
    run(rein, 'evaluate', run_file('static'), '--agents', 'static,random', '--seeds', 2,
        '--duration', 1, '--compare', 'static', '--show', 'static', '--output', folder / 'evaluation')
    out = folder / 'evaluation'
    courses = out / 'courses.json'
    put('evaluation', 'small', (out / 'summary.json').read_bytes() + BETWEEN +
        (courses.read_bytes() if courses.exists() else b'[]'))
    put('episodes', 'small.jsonl', first_lines(out / 'episodes.jsonl', 3))

    put('network', 'small.rein', small_network(2))
    put('network', 'version-1.rein', small_network(1))
    put('images', 'small', BETWEEN.join(small_images()))
    put('images', 'refused-as-idx-but-cifar', b'\3' + bytes(3072))


def words():
    """For the fuzzer: keys, columns and numbers that mean something."""
    text = b' '.join(file.read_bytes() for file in sorted(CORPUS.glob('*/*')) if file.stat().st_size < 20_000)
    keys = {key.decode() for key in re.findall(rb'"?[a-z][a-z0-9_]{2,40}"?:', text)}
    numbers = ('1e13', '1e300', '1e-300', '1e-10', '.inf', '.nan', '3600000', '1e8', '1e-6', '1e6', '[[[[', '{a: {a: {',
               '&a ', '*a', '\\x0a=====\\x0a', '!!binary ', '~', '---')
    lines = sorted('"' + word.replace('"', '\\"') + '"' for word in (*keys, *numbers))
    (ROOT / 'tests/fuzz/readers.dict').write_text('\n'.join(lines) + '\n')


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for file in CORPUS.glob('*/*'):
        if not file.name.startswith('found-'):
            file.unlink()
    with tempfile.TemporaryDirectory() as folder:
        make(str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(folder))
    words()
    size = sum(file.stat().st_size for file in CORPUS.glob('*/*'))
    print(f'{len(list(CORPUS.glob("*/*")))} inputs, {size} bytes')


if __name__ == '__main__':
    main()
