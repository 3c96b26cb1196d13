# SPDX-License-Identifier: BSD-2-Clause
"""mutate: small wrong versions of a C source, made by rule (CHECKS 9).

Each mutant differs from the source in one place of one line inside a function: a condition negated, `&&` and `||`
exchanged, a comparison off by one, a constant off by one, a statement dropped, a returned status exchanged. Lines that only exist
for checks or planted bugs (CHECK, static_assert, #if UKERN_BUG_ parts) are left alone: a mutant must be found by others.
"""
import re
from typing import Iterator, NamedTuple


class Mutant(NamedTuple):
    line: int      # from 1
    rule: str
    text: str      # the line as it becomes


COMPARE = [(r'(?<![<>=!-])<(?![<=])', '<='), (r'<=', '<'), (r'(?<![->])>(?![>=])', '>='), (r'(?<!>)>=', '>'), (r'==', '!='), (r'!=', '==')]
STATEMENT = re.compile(r'^\s+(?!return|if|for|while|do|else|case|default|switch|break|continue|goto|struct|enum|const|static|uint|int|bool|size_t|void|char|unsigned|PRE|ALLOW)'
                       r'[a-zA-Z_*(][^;{}]*(=|\+\+|--|\()[^;{}]*;\s*(/\*.*\*/)?$')
DECLARATION = re.compile(r'^\s+(const\s+|static\s+|volatile\s+|_Atomic\s+)*(struct|enum|union|u?int\d*_t|int|bool|size_t|void|char|unsigned|uint8_t|typeof)\b')


def code_part(line: str) -> str:
    """The line with comments and strings blanked, positions kept."""
    blank = lambda m: ' ' * len(m[0])
    return re.sub(r'/\*.*?\*/|//.*', blank, re.sub(r'"(\\.|[^"\\])*"', blank, line))


def skip_lines(lines: list[str]) -> set[int]:
    """Comments over several lines, preprocessor lines, parts under UKERN_BUG_, and everything outside functions."""
    skip: set[int] = set()
    comment, depth, inside = False, 0, False
    bug: list[bool | None] = []      # of each open #if: whether this part of it is a planted bug; None: no switch
    for i, line in enumerate(lines):
        stripped = line.strip()
        if comment or stripped.startswith('/*') or stripped.startswith('*'):
            skip.add(i)
            comment = '*/' not in line
            continue
        if stripped.startswith('#'):
            skip.add(i)
            if stripped.startswith('#if'):
                bug.append(not stripped.startswith('#ifndef') if 'UKERN_BUG' in stripped else None)
            elif stripped.startswith('#el') and bug and bug[-1] is not None:
                bug[-1] = not bug[-1]
            elif stripped.startswith('#endif') and bug:
                bug.pop()
            continue
        code = code_part(line)
        if not inside and line.startswith('{') or re.match(r'^[a-z].*\)\s*\{.*\}\s*$', code):
            inside = True
        if not inside or any(bug) or re.search(r'\b(CHECK|static_assert|_Static_assert|LOCK_SCOPE_NAMED)\b', code):
            skip.add(i)
        depth += code.count('{') - code.count('}')
        if depth <= 0:
            inside, depth = False, 0
    return skip


def condition(code: str) -> tuple[int, int] | None:
    """The span between the parentheses of an if or while on this line, when they close on it."""
    m = re.search(r'\b(?:if|while) \(', code)
    if not m:
        return None
    depth, start = 0, m.end() - 1
    for i in range(start, len(code)):
        depth += (code[i] == '(') - (code[i] == ')')
        if depth == 0:
            return start + 1, i
    return None


def mutants(text: str) -> Iterator[Mutant]:
    lines = text.split('\n')
    skip = skip_lines(lines)
    for i, line in enumerate(lines):
        if i in skip or not line.strip():
            continue
        code = code_part(line)

        def changed(rule: str, start: int, end: int, by: str) -> Mutant:
            return Mutant(i + 1, rule, line[:start] + by + line[end:])

        span = condition(code)
        if span:
            yield changed('condition negated', *span, f'!({line[span[0]:span[1]]})')
        for m in re.finditer(r'&&|\|\|', code):
            yield changed(f'{m[0]} exchanged', m.start(), m.end(), '||' if m[0] == '&&' else '&&')
        if not code.lstrip().startswith('#'):
            for pattern, by in COMPARE:
                for m in re.finditer(rf'(?<= ){pattern}(?= )', code):
                    yield changed(f'{m[0]} becomes {by}', m.start(), m.end(), by)
        for m in re.finditer(r'(?<=[+-] )1\b(?![.\w])', code):
            yield changed('1 becomes 0', m.start(), m.end(), '0')
        if STATEMENT.match(code) and not DECLARATION.match(code) and 'EVENT_DONE' not in code:
            indent = len(line) - len(line.lstrip())
            yield changed('statement dropped', indent, len(line), ';')
        for m in re.finditer(r'\bUKERN_OK\b(?=[);])', code):
            if 'return' in code[:m.start()]:
                yield changed('OK becomes NOMEM', m.start(), m.end(), 'UKERN_NOMEM')


def apply(text: str, m: Mutant) -> str:
    lines = text.split('\n')
    lines[m.line - 1] = m.text
    return '\n'.join(lines)
