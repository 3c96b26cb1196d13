# SPDX-License-Identifier: BSD-2-Clause
"""run: plants bugs in the memory tower and the calculus, and shows which check finds each, after how many steps.

    run.py planted    [--only NAME]... [--sample N] [--seed S]     every switch UKERN_BUG_ of src/core and src/mm
    run.py mechanical [--files STEM]... [--sample N] [--seed S]    mutate.py's mutants of src/core and src/mm

Environment: srcdir, builddir. A build of ukern-check must be in builddir. One object is compiled again, put into a copy of the archive,
and linked; then `ukern check` with three seeds must fail. A row in tests/mutants/where sends a bug elsewhere: `sim` or `smp` (that
engine, four CPUs), `test:folder/x_test` (a unit test), `tsan` (only ThreadSanitizer sees it: tests/*/bugs.sh plant it there).
A mechanical mutant that `ukern check` does not find goes to the unit tests of the same stem.
Exit status: planted: 0 when every bug was found. mechanical: 0 when at least 90 % were killed. No bug at all is a failure.
"""
import argparse
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

import mutate

SRC = os.path.realpath(os.environ.get('srcdir', '.'))
BUILD = os.path.realpath(os.environ.get('builddir', '.'))
SEEDS = (1, 2, 3)
JOBS = os.cpu_count() or 1
FOUND, SURVIVED, BROKEN, SAME = 'found', 'survived', 'does not build', 'same code'


class Bug(NamedTuple):
    name: str
    source: str                  # below src/, with .c
    where: str                   # check, sim, smp, test:...
    text: str | None = None      # the whole mutated source; None: the switch UKERN_BUG_<name>


class Verdict(NamedTuple):
    bug: Bug
    kind: str
    by: str = ''
    steps: str = ''


class Builder:
    """Compiles one source as make would, with changes, and links programs around it."""

    def __init__(self) -> None:
        self.commands: dict[str, str] = {}

    def compile_command(self, source: str) -> str:
        """What make says for libukern-check's object of that source."""
        if source not in self.commands:
            folder, stem = os.path.split(source[:-2])
            target = os.path.join('src', folder, f'libukern_check_a-{stem}.o')
            out = subprocess.run(['make', '-n', '-W', os.path.join(SRC, 'src', source), target, 'AM_V_CC='], cwd=BUILD,
                                 capture_output=True, text=True, check=True).stdout.replace('\\\n', ' ')
            lines = [l for l in out.split('\n') if ' -c ' in l]
            if not lines:
                sys.exit(f'run.py: make has no command for {target}')
            command = lines[-1][lines[-1].rindex(';') + 1:] if lines[-1].lstrip().startswith('echo') else lines[-1]
            command = re.split(r'\s*&&\s*', command)[0]
            command = re.sub(r'-MT \S+|-MD|-MP|-MF \S+', '', command)
            command = re.sub(r"-o \S+|-c [^;]*$", '', command)
            self.commands[source] = command
        return self.commands[source]

    def compile(self, source: str, text: str | None, flag: str, out: str) -> bool:
        path = os.path.join(SRC, 'src', source)
        if text is not None:
            path = os.path.join(os.path.dirname(out), os.path.basename(source))
            with open(path, 'w') as f:
                f.write(text)
        command = f"{self.compile_command(source)} -I{SRC}/src/{os.path.dirname(source)} -w {flag} -o {out} -c {path}"
        return subprocess.run(['sh', '-c', command], cwd=BUILD, capture_output=True).returncode == 0

    def archive(self, source: str, obj: str, folder: str) -> str:
        """A copy of libukern-check.a that has this object instead of its own."""
        archive = os.path.join(folder, 'libukern-check.a')
        shutil.copy(os.path.join(BUILD, 'libukern-check.a'), archive)
        member = 'libukern_check_a-' + os.path.basename(source)[:-2] + '.o'
        shutil.move(obj, os.path.join(folder, member))
        subprocess.run(['ar', 'r', archive, os.path.join(folder, member)], capture_output=True, check=True)
        return archive

    def link(self, program: str, archive: str, out: str) -> bool:
        """The link command of make, with the other archive and another name."""
        if program not in self.commands:
            subprocess.run(['make', program], cwd=BUILD, capture_output=True, check=True)
            stamp = 'libukern-check.a'
            text = subprocess.run(['make', '-n', '-W', stamp, program, 'AM_V_CCLD='], cwd=BUILD, capture_output=True, text=True,
                                  check=True).stdout.replace('\\\n', ' ')
            lines = [l for l in text.split('\n') if f'-o {program} ' in l]
            if not lines:
                sys.exit(f'run.py: make has no link command for {program}')
            self.commands[program] = lines[-1]
        command = self.commands[program].replace(f'-o {program} ', f'-o {out} ').replace('libukern-check.a', archive)
        return subprocess.run(['sh', '-c', command], cwd=BUILD, capture_output=True).returncode == 0


def check(program: str, seed: int, options: list[str], limit: float) -> tuple[bool, str, str]:
    """Runs `ukern check`: (found, by which check, after how many steps)."""
    command = [program, 'check', f'--seed={seed}', *options]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=limit, errors='replace')
    except subprocess.TimeoutExpired:
        return False, f'no end within {limit:.0f} s', ''
    if run.returncode == 0:
        return False, '', ''
    out = run.stdout + run.stderr
    report = re.search(r'^FAILED after (\d+) calls: (.*)', out, re.M)
    if run.returncode != 1 or not report:      # a crash of the checker is no finding
        return False, f'exit status {run.returncode} without a report', ''
    return True, report[2], report[1]


def unit_tests(source: str) -> list[str]:
    folder, stem = os.path.split(source[:-2])
    names = [re.sub(r'_spec$', '', stem)] + [re.sub(r'_[a-z]+$', '', stem)]
    return [f'tests/{folder}/{n}_test-check.t' for n in dict.fromkeys(names)
            if os.path.exists(os.path.join(SRC, 'tests', folder, f'{n}_test.c'))]


def try_bug(builder: Builder, bug: Bug, plain: dict[str, bytes], steps: int) -> Verdict:
    folder = tempfile.mkdtemp(prefix='ukern-mutant-')
    try:
        obj = os.path.join(folder, 'planted.o')
        flag = '' if bug.text is not None else f'-DUKERN_BUG_{bug.name}'
        if not builder.compile(bug.source, bug.text, flag, obj):
            return Verdict(bug, BROKEN)
        if code_of(obj) == plain.get(bug.source):
            return Verdict(bug, SAME)
        archive = builder.archive(bug.source, obj, folder)
        found: list[tuple[str, str]] = []
        missed = ''
        options = [f'--steps={steps}'] + ([f'--engine={bug.where}', '--cpus=4'] if bug.where in ('sim', 'smp') else [])
        if not bug.where.startswith('test'):
            program = os.path.join(folder, 'ukern-check')
            if not builder.link('ukern-check', archive, program):
                return Verdict(bug, BROKEN, 'link')
            for seed in SEEDS if bug.text is None else SEEDS[:1]:
                hit, by, after = check(program, seed, options, 120)
                if hit:
                    found.append((by, after))
                else:
                    missed = by
            if found and (len(found) == len(SEEDS) or bug.text is not None):
                return Verdict(bug, FOUND, found[0][0], '/'.join(a for _, a in found))
            if found:
                return Verdict(bug, SURVIVED, f'only {len(found)} of {len(SEEDS)} seeds find it: {found[0][0]}')
        tests = [bug.where[5:]] if bug.where.startswith('test:') else unit_tests(bug.source)
        for test in tests:
            if not test.endswith('.t'):
                test = f'tests/{test}-check.t'
            program = os.path.join(folder, 'test')
            if not builder.link(test, archive, program):
                return Verdict(bug, BROKEN, f'link of {test}')
            try:
                status = subprocess.run([program], capture_output=True, timeout=60, cwd=folder).returncode
            except subprocess.TimeoutExpired:
                status = 1
            if status not in (0, 77):
                return Verdict(bug, FOUND, test.replace('-check.t', ''), 'test')
        return Verdict(bug, SURVIVED, missed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def code_of(obj: str) -> bytes:
    """The machine code and data, without line numbers, so that a mutant that changes nothing is seen."""
    return subprocess.run(['objdump', '-d', '-r', '-s', '-j', '.text', '-j', '.rodata', '--no-show-raw-insn', obj], capture_output=True).stdout.split(b'\n', 3)[-1]


def planted_bugs() -> list[Bug]:
    """From the sources; tests/mutants/where has rows `name where`."""
    with open(os.path.join(SRC, 'tests', 'mutants', 'where')) as rows:
        where = dict(row.split() for row in rows if row.strip() and not row.startswith('#'))
    bugs: dict[str, Bug] = {}
    for folder in ('core', 'mm'):
        for file in sorted(os.listdir(os.path.join(SRC, 'src', folder))):
            with open(os.path.join(SRC, 'src', folder, file)) as f:
                for name in re.findall(r'\bUKERN_BUG_(\w+)', f.read()):
                    if file.endswith('.c'):
                        bugs.setdefault(name, Bug(name, f'{folder}/{file}', where.get(name, 'check')))
    unknown = set(where) - set(bugs)
    if unknown:
        sys.exit(f'run.py: tests/mutants/where names what no source has: {", ".join(sorted(unknown))}')
    return [b for b in bugs.values() if b.where != 'tsan']


def mechanical_bugs(stems: list[str]) -> list[Bug]:
    bugs = []
    for folder in ('core', 'mm'):
        for file in sorted(os.listdir(os.path.join(SRC, 'src', folder))):
            if not file.endswith('.c') or (stems and file[:-2] not in stems):
                continue
            with open(os.path.join(SRC, 'src', folder, file)) as f:
                text = f.read()
            for m in mutate.mutants(text):
                bugs.append(Bug(f'{file}:{m.line} {m.rule}', f'{folder}/{file}', 'check', mutate.apply(text, m)))
    return bugs


def run(bugs: list[Bug], steps: int) -> list[Verdict]:
    builder = Builder()
    plain: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:      # make is asked by one thread only; and the code without a bug
        for source in sorted({b.source for b in bugs}):
            obj = os.path.join(folder, 'plain.o')
            if not builder.compile(source, open(os.path.join(SRC, 'src', source)).read(), '', obj):
                sys.exit(f'run.py: src/{source} does not compile')
            plain[source] = code_of(obj)
        obj = os.path.join(BUILD, 'libukern-check.a')
        builder.link('ukern-check', obj, os.path.join(folder, 'control'))
        hit, by, _ = check(os.path.join(folder, 'control'), SEEDS[0], [f'--steps={steps}'], 120)
        if hit or by:
            sys.exit(f'run.py: the control (no bug) fails: {by}')
        for b in bugs:
            for test in [f'tests/{b.where[5:]}-check.t'] if b.where.startswith('test:') else unit_tests(b.source):
                builder.link(test, obj, os.path.join(folder, 'control'))
    verdicts = []
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for v in pool.map(lambda b: try_bug(builder, b, plain, steps), bugs):
            verdicts.append(v)
            print(f'{v.kind:15} {v.bug.name:44} {v.bug.source:26} {v.steps:>14}  {v.by}', flush=True)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['planted', 'mechanical'])
    parser.add_argument('--only', action='append', default=[])
    parser.add_argument('--files', action='append', default=[])
    parser.add_argument('--sample', type=int, default=0)
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(1 << 16))
    parser.add_argument('--steps', type=int, default=20000)
    args = parser.parse_args()
    bugs = planted_bugs() if args.what == 'planted' else mechanical_bugs(args.files)
    if args.only:
        bugs = [b for b in bugs if b.name in args.only]
    if args.sample and args.sample < len(bugs):
        print(f'{args.sample} of {len(bugs)}, chosen with --seed={args.seed}')
        bugs = random.Random(args.seed).sample(bugs, args.sample)
    if not bugs:
        print('run.py: no bug to plant')
        return 1
    verdicts = run(bugs, args.steps)
    count = {k: sum(v.kind == k for v in verdicts) for k in (FOUND, SURVIVED, BROKEN, SAME)}
    tried = count[FOUND] + count[SURVIVED]
    if args.what == 'planted':
        print(f'{count[FOUND]} of {len(verdicts)} planted bugs were found')
        return 0 if count[FOUND] == len(verdicts) else 1
    rate = 100 * count[FOUND] / max(tried, 1)
    print(f'{count[FOUND]} of {tried} mutants were killed ({rate:.1f} %); {count[SAME]} are the same code, {count[BROKEN]} do not build')
    return 0 if tried and rate >= 90 else 1


if __name__ == '__main__':
    sys.exit(main())
