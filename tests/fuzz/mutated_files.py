#!/usr/bin/env python3
"""Runs the program itself on input files in which something was changed, one at a time: numbers to
extremes, keys dropped or doubled, lists for scalars, truncation, flipped bytes, deep nesting, long
texts, other kinds of file.

  tests/fuzz/mutated_files.py REIN [N] [--seed SEED] [--keep FOLDER]

Fails if any ends by a signal or takes too long, if the status is none of 0 to 3, or 1 (which is never
a mistake in a file), if a mistake is not told in exactly one line that begins with `rein: `, or if a
result holds a number that is not finite. The inputs of what fails are kept in FOLDER.
"""
import argparse
import errno
import json
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

import make_corpus

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIME_LIMIT_S = 60
LONG_RUN_S = 86_400
MEMORY_LIMIT = 4 << 30
NUMBERS = ['0', '-1', '1', '1e-300', '5e-324', '-1e-9', '1e9', '1e13', '1e19', '1e300', '1e999', '-0.0', '.inf',
           '.nan', 'nan', 'inf', '9223372036854775807', '18446744073709551616', '0.1', '99999999', '1e-10', '07',
           '0x7fffffff', '2147483648', '-9223372036854775808',
           # The ends of ranges.
           '3600000', '3599999', '1e5', '1e6', '1e-6', '1e8', '1e12', '1e15', '0.001', '1000', '1024', '64', '60000', '150']
SCALARS = ['[]', '{}', '~', '', '[1, 2]', '{a: 1}', 'null', 'true', '"quoted', "''", '&a [*a]', '*nowhere', '!!binary x',
           'x' * 300, 'y' * 5000, '/dev/zero', '/dev/null', '..', '/', 'a/' * 150, '"a\\0b"', '"two\\nlines"', '|',
           '[' * 100, '{a: ' * 100, '\t', '- ', '💥', 'auto', 'none', 'cnn2']
NUMBER = re.compile(rb'(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])')
SCALAR = re.compile(rb'(?<=[:,\[] )[^,\[\]{}\n]+|(?<=[:,])"[^"\n]*"')
KEY = re.compile(rb'"?[A-Za-z_]\w*"?(?=:)')


def replace(choice, text, pattern, values):
    """One place that `pattern` finds gets one of `values`."""
    found = list(pattern.finditer(text))
    if not found:
        return text
    match = choice.choice(found)
    return text[:match.start()] + choice.choice(values).encode() + text[match.end():]


def mutate(choice, text):
    lines = text.splitlines(keepends=True) or [b'']
    at = choice.randrange(len(lines))
    place = choice.randrange(len(text) + 1)
    kind = choice.randrange(16)
    if kind <= 6:
        return replace(choice, text, NUMBER, NUMBERS)
    if kind == 7:
        return replace(choice, text, SCALAR, SCALARS)
    if kind == 8:
        return replace(choice, text, KEY, ['a', '? [1]', 'name', '{}', '~', '"' + 'k' * 400 + '"'])
    if kind == 9:
        return b''.join(lines[:at] + lines[at + 1:])
    if kind == 10:
        return b''.join(lines[:at + 1] + lines[at:])
    if kind == 11:
        return text[:place]
    if kind == 12:
        flipped = bytearray(text)
        for _ in range(choice.choice((1, 1, 4, 64)) if flipped else 0):
            flipped[choice.randrange(len(flipped))] = choice.randrange(256)
        return bytes(flipped)
    if kind == 13:
        depth = choice.choice((70, 1000, 100_000))
        return text[:place] + choice.choice((b'[', b'{"a":', b'- ')) * depth + text[place:]
    if kind == 14:
        return choice.choice((b'', b'\n', b'\0' * 100, b'[' + b'1,' * 600_000 + b'1]', text * 3,
                              b'\xff\xfe' + text, text.replace(b'\n', b'\r\n'), b'%YAML 9\n' + text))
    words = NUMBER.findall(text)
    return text.replace(choice.choice(words), choice.choice(NUMBERS).encode()) if words else text


class Case:
    """A command and the files that it reads, of which one is changed."""

    def __init__(self, name, files, arguments):
        self.name = name
        self.files = files
        self.arguments = arguments


class Program:
    def __init__(self, rein, folder):
        self.rein = str(pathlib.Path(rein).resolve())
        self.folder = folder
        self.limit_memory = True
        # A sanitizer's program takes terabytes of addresses.
        self.limit_memory = self.run(['--version']).returncode == 0

    def run(self, arguments):
        def limit():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))
            if self.limit_memory:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
        environment = {**os.environ, 'ASAN_OPTIONS': 'detect_leaks=0', 'HOME': str(self.folder)}
        return subprocess.run([self.rein, '--log-level', 'off', *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                              timeout=TIME_LIMIT_S, preexec_fn=limit, env=environment, check=False)


def set_up(program, folder):
    """Good files, and the commands that read them."""
    for name, text in (('board.yaml', make_corpus.BOARD), ('network.yaml', make_corpus.NETWORK),
                       ('scenario.yaml', make_corpus.SCENARIO), ('chain.yaml', make_corpus.CHAIN),
                       ('variants.yaml', make_corpus.VARIANTS),
                       ('state', f'rein-state 1 4711 boot\nvalue {folder}/root/sys/class/x\t1\n'),
                       ('run.yaml', make_corpus.RUN.replace('AGENT', 'q_learning').replace('ARRIVAL', 'poisson')),
                       ('dqn.yaml', make_corpus.RUN.replace('AGENT', 'dqn, hidden: [4]')
                        .replace('ARRIVAL', 'periodic'))):
        (folder / name).write_text(text)
    shutil.copytree(ROOT / 'configs', folder / 'configs')
    for table in ('small.csv', 'threads.csv'):
        shutil.copy(make_corpus.CORPUS / 'measured' / table, folder / table)
    (folder / 'root/sys/class').mkdir(parents=True)
    (folder / 'root/sys/class/x').write_text('2\n')

    def must(*arguments):
        ended = program.run([str(word) for word in arguments])
        if ended.returncode != 0:
            sys.exit(f'expected {arguments} to work, found: {ended.stderr.decode()}')

    must('run', 'run.yaml', '--duration', '1', '--output', 'ran')
    must('run', 'dqn.yaml', '--duration', '1', '--output', 'ran-dqn')
    must('profile', 'run.yaml', '--output', 'profile.csv', '--periods', '1', '--settle', '0')
    must('evaluate', 'run.yaml', '--agents', 'static', '--seeds', '1', '--duration', '0.5', '--compare', 'static',
         '--show', 'static', '--output', 'evaluation')
    own = ['run.yaml', 'board.yaml', 'network.yaml', 'scenario.yaml']
    cases = [
        Case('run', own, ['run', 'run.yaml', '--duration', '0.5', '--output', 'OUT']),
        Case('run-whole', own, ['run', 'run.yaml', '--set', 'time_scale=0.2', '--output', 'OUT']),
        Case('dry-run', own, ['run', 'run.yaml', '--dry-run']),
        Case('chain', ['chain.yaml'], ['run', 'run.yaml', '--set', 'scenario=chain.yaml', '--duration', '1',
                                       '--output', 'OUT']),
        Case('load', ['ran/checkpoint/agent.json'], ['run', 'run.yaml', '--load', 'ran/checkpoint', '--duration', '0.5',
                                                     '--output', 'OUT']),
        Case('load-dqn', ['ran-dqn/checkpoint/agent.json'],
             ['run', 'dqn.yaml', '--load', 'ran-dqn/checkpoint', '--duration', '0.5', '--output', 'OUT']),
        Case('alert', ['profile.csv'], ['run', 'run.yaml', '--set', 'agent={kind: alert, profile: profile.csv}',
                                        '--duration', '0.5', '--output', 'OUT']),
        Case('evaluate', own + ['variants.yaml'],
             ['evaluate', 'run.yaml', '--agents', 'static', '--variants', 'variants.yaml', '--seeds', '1', '--duration',
              '0.3', '--jobs', '1', '--output', 'OUT']),
        Case('resume', ['evaluation/episodes.jsonl'],
             ['evaluate', 'run.yaml', '--agents', 'static', '--seeds', '1', '--duration', '0.5', '--jobs', '1',
              '--resume', '--output', 'evaluation']),
        Case('train-trace', ['ran/trace.csv', 'ran/trace.yaml'],
             ['train', 'dqn.yaml', '--trace', 'ran/trace.csv', '--episodes', '1', '--validate-every', '1', '--duration',
              '0.5', '--jobs', '1', '--output', 'OUT']),
        Case('train-profile', ['profile.csv'],
             ['train', 'dqn.yaml', '--profile', 'profile.csv', '--episodes', '1', '--validate-every', '1',
              '--environments', '1', '--duration', '0.5', '--jobs', '1', '--output', 'OUT']),
        Case('report', ['ran/summary.json', 'ran/trace.csv', 'ran/trace.yaml', 'ran/machine.json', 'ran/config.yaml'],
             ['report', 'ran', '--output', 'OUT.html']),
        Case('report-evaluation', ['evaluation/summary.json', 'evaluation/courses.json'],
             ['report', 'evaluation', '--output', 'OUT.html']),
        Case('probe', ['board.yaml'], ['probe', '--board', 'board.yaml', '--sysfs-root', 'root']),
        Case('fit-board', ['small.csv'], ['fit-board', 'small.csv']),
        Case('fit-to-board', ['threads.csv', 'board.yaml'], ['fit-board', 'threads.csv', '--board', 'board.yaml']),
        Case('restore', ['state'], ['restore', '--sysfs-root', 'root', '--state', 'state']),
    ]
    for board in ('jetson-nano', 'odroid-xu3'):
        cases.append(Case(board, [f'configs/runs/{board}.yaml', f'configs/boards/{board}.yaml',
                                  f'configs/trained/model_based/{board}.json'],
                          ['run', f'configs/runs/{board}.yaml', '--agent', 'model_based', '--load',
                           f'configs/trained/model_based/{board}.json', '--dry-run']))
    return cases


def not_finite(folder):
    """What a result holds that is no number of this world."""
    for trace in folder.glob('OUT/**/trace.csv'):
        if re.search(r'(^|,)-?(nan|inf)(,|$)', trace.read_text(errors='replace'), re.MULTILINE):
            return f'{trace.name} holds a number that is not finite'
    for summary in folder.glob('OUT/**/summary.json'):
        text = summary.read_text(errors='replace')
        known = json.loads(text)
        whole = known.get('whole', {})
        if whole.get('served') and None in (whole['latency_mean_ms'], whole['reward'], whole['miss_share'],
                                            whole['objective']):
            return f'{summary.name} holds null where requests were served'
    return None


def is_long(program, arguments):
    """Whether it is a run of days, which is right, and more than the limits that are set here."""
    if arguments[0] != 'run':
        return False
    elsewhere = [word.replace('OUT', 'NOWHERE') for word in arguments]
    told = program.run([*elsewhere, '--dry-run']).stdout.decode(errors='replace')
    duration = re.search(r'^duration +(\S+) s$', told, re.MULTILINE)
    return duration is not None and float(duration[1]) > LONG_RUN_S


def judge(program, arguments):
    """What is wrong with how it ended; None if nothing is. And its status."""
    try:
        ended = program.run(arguments)
    except subprocess.TimeoutExpired:
        return None if is_long(program, arguments) else f'took longer than {TIME_LIMIT_S} s', None
    errors = ended.stderr.decode(errors='replace')
    said = [line for line in errors.split('\n') if line]
    status = ended.returncode
    if status < 0:
        return f'signal {-status}: {errors[-2000:]}', status
    if status == 1 and os.strerror(errno.EFBIG) in errors and is_long(program, arguments):
        return None, status
    if status not in (0, 2, 3):
        return f'status {status}: {errors[-2000:]}', status
    if status == 3 and not (len(said) == 1 and said[0].startswith('rein: ')):
        return f'expected one line, found: {errors[-2000:]}', status
    return not_finite(program.folder), status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('rein')
    parser.add_argument('count', nargs='?', type=int, default=100)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--keep', type=pathlib.Path)
    arguments = parser.parse_args()
    statuses = {}
    findings = 0
    with tempfile.TemporaryDirectory(prefix='rein-mutated-') as temporary:
        folder = pathlib.Path(temporary)
        program = Program(arguments.rein, folder)
        cases = set_up(program, folder)
        for number in range(arguments.count):
            # So that each can be repeated alone.
            choice = random.Random(f'{arguments.seed} {number}')
            case = cases[number % len(cases)]
            file = folder / choice.choice(case.files)
            good = file.read_bytes()
            bad = good
            for _ in range(choice.choice((1, 1, 1, 2, 4))):
                bad = mutate(choice, bad)
            file.write_bytes(bad)
            wrong, status = judge(program, case.arguments)
            statuses[status] = statuses.get(status, 0) + 1
            if wrong:
                findings += 1
                print(f'{number} {case.name} {file.name}: {wrong}', flush=True)
                if arguments.keep:
                    kept = arguments.keep / f'{number}-{case.name}-{file.name}'
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_bytes(bad)
            file.write_bytes(good)
            shutil.rmtree(folder / 'OUT', ignore_errors=True)
            if case.name in ('resume', 'report-evaluation'):
                restored = folder / 'evaluation/report.html'
                restored.unlink(missing_ok=True)
            if case.name == 'restore':
                (folder / 'state').write_bytes(good)
    told = ', '.join(f'{count} ended with {status}' for status, count in sorted(
        statuses.items(), key=lambda item: (item[0] is None, item[0])))
    print(f'{arguments.count} mutated files, {findings} findings: {told}')
    return 1 if findings else 0


sys.exit(main())
