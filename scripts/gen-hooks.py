#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""gen-hooks: writes the boundary of every layer of the calculus from LAYERS and the prototypes in the headers.

Usage: gen-hooks.py TREE LAYERS OUT [NAME]     e.g. gen-hooks.py . src/LAYERS build

The folder of LAYERS has the headers; OUT gets, with NAME (default: hooks, and calculus_tower; else the tower is NAME_tower, and the layers are found below TREE/tests)
    NAME.h             views, arguments and results, prototypes of the specs
    NAME.c             the boundary, one function a primitive, and the tables
    NAME.mk            what is forced into the objects of a layer's sources in the check build
    NAME/x.code.h      its primitives get the link name x_verb_code
    NAME/x.sight.h     what the sources and the spec of x may not call
A row of LAYERS is: stem, state, origin, over, hides. `over` is `-`: not in the calculus (the rest is for readers); `host`: stands
on the hardware; or the stems that it stands on, with commas. `hides`: stems, or single primitives; `-`: nothing.
A primitive is a prototype of x.h that begins with x_, but x_peek... and what the page's Outside paragraph names.
Anything that cannot be a primitive is an error with file and line."""
import os
import re
import sys
from string import Template

HOOK = Template('''
/* $file:$line */
$decl;
static const struct prim ${name}_prim;
$ret $name($params)
{
    struct ${name}_args a_ = { $values}; /* no parameter has such a name */
    struct ${name}_ret r_;
    struct crossing x_;
    if (calculus_in(&x_, &${name}_prim, &a_, &r_, __builtin_return_address(0))) {
        ${result}${name}_code($passed);
        calculus_out(&x_);
    }
$outs}

static enum verdict ${name}_say(struct abs *abs, const void *args, const void *did, void *r)
{
    const struct ${name}_args *a __attribute__((unused)) = args;
    return ${name}_spec(&abs->${layer}_view, ${spec_args}did, r);
}

static void ${name}_call(const void *args, void *ret)
{
    const struct ${name}_args *a __attribute__((unused)) = args;
    struct ${name}_ret *r __attribute__((unused)) = ret;
    $call_result$name($call_args)$call_end;
}

static_assert(sizeof(struct ${name}_args) <= HOOK_RECORD && sizeof(struct ${name}_ret) <= HOOK_RECORD,
              "$file:$line: the arguments of $name have at most 64 bytes, and so have the results");
static const struct prim ${name}_prim = {
    .name = "$name", .header = "$file", .line = $line, .layer = &${layer}_layer,
    .has_result = $has_result, .has_status = $has_status,
    .args_size = sizeof(struct ${name}_args), .ret_size = sizeof(struct ${name}_ret),
    .args = (const struct field[]){ $arg_fields{ .name = NULL } },
    .ret = (const struct field[]){ $ret_fields{ .name = NULL } },
    .spec = ${name}_say, .call = ${name}_call,
};
''')
LAYER = Template('''
static void ${n}_abs_begin(struct abs *abs)
{
    abs->${n}_view = (struct ${n}_view){ $view };
    ${n}_abs_init(&abs->$n);
}
static bool ${n}_r_at(struct abs *abs, const struct map *m, uint64_t key) { return ${n}_relates_at(&abs->${n}_view, m, key); }
static bool ${n}_r(struct abs *abs) { return ${n}_relates(&abs->${n}_view); }
static bool ${n}_i_at(struct abs *abs, const struct map *m, uint64_t key) { return ${n}_invariant_at(&abs->${n}_view, m, key); }
static bool ${n}_i(struct abs *abs) { return ${n}_invariant(&abs->${n}_view); }
const struct layer ${n}_layer = {
    .name = "$n", .row = "$row", .origin = "$origin", .index = $index, .rank = $rank, .shared = $shared,
    .over = $over, .closure = $closure, .sees = $sees, .hides = $hides,
    .prims = (const struct prim *const[]){ ${prims}NULL },
    .hidden_prims = (const struct prim *const[]){ ${hidden}NULL },
    .abs_at = offsetof(struct abs, $n), .abs_size = sizeof(struct ${n}_abs), .abs_init = ${n}_abs_begin,
    .relates_at = ${n}_r_at, .relates = ${n}_r, .invariant_at = ${n}_i_at, .invariant = ${n}_i,
};
''')


def fail(where, text):
    sys.exit(f'{where}: {text}')


class Prim:
    """One prototype."""

    def __init__(self, layer, path, line, ret, name, params, remark):
        self.layer, self.file, self.line, self.ret, self.name = layer, path, line, ret, name
        self.params = ' '.join(params.split())
        self.status, self.void = ret == 'enum ukern_status', ret == 'void'
        self.ins, self.outs = [], []
        where = f'{path}:{line}'
        if '*' in ret:
            fail(where, f'{name}: a primitive returns void, a value or enum ukern_status, not a pointer (or list it in Outside)')
        for p in [] if self.params == 'void' else self.params.split(','):
            m = re.fullmatch(r'\s*([a-z][\w ]*?)\s*(\*?)\s*(\w+)', p)
            if not m or m[1].startswith('const ') or bool(m[2]) != m[3].startswith('ret_'):
                fail(where, f'{name}: parameter `{p.strip()}\': expected a value, or an output `T *ret_...\' (or list {name} in Outside)')
            if not m[2] and self.outs:
                fail(where, f'{name}: `{p.strip()}\': outputs come last')
            (self.outs if m[2] else self.ins).append((m[1], m[3]))
        always = re.search(r'\balways\b(?::\s*([\w, ]+))?', remark)
        named = re.findall(r'\w+', always[1]) if always and always[1] else None
        self.always = {v for _, v in self.outs if always and (named is None or v in named)}
        if named and set(named) - {v for _, v in self.outs}:
            fail(where, f'{name}: always: {always[1]}: expected outputs of {name}')

    def rets(self):
        return ([] if self.void else [(self.ret, 'ret')]) + self.outs


class Layer:
    """One row of LAYERS that is in the calculus."""

    def __init__(self, row, state, origin, over, hides, rank, where):
        self.row, self.name, self.state, self.origin = row, row.split('/')[-1], state, origin
        self.over = [] if over == 'host' else over.split(',')
        self.hides = [h for h in re.split(r'[\s,]+', hides) if h and h != '-']
        self.rank, self.where = rank, where


def page_names(text, paragraph):
    """Names of a paragraph of the page: `name, name: why; name: why`."""
    page = text[text.find('\n'):text.find('*/', text.find('\n'))] # the first line is the licence
    m = re.search(rf'^ \* {paragraph} (.*?)(?=^ \* [A-Z]\w*(?: \w+)?  |^ \*?$|\Z)', page, re.M | re.S)
    if not m:
        return []
    return [w for item in m[1].split(';') for w in re.findall(r'[a-z]\w+\*?', item.split(':')[0])]


def prims_of(layer, path, shown):
    text = open(path).read()
    outside = page_names(text, 'Outside')
    remarks = text.split('\n')
    plain = re.sub(r'/\*.*?\*/', lambda m: re.sub(r'[^\n]', ' ', m[0]), text, flags=re.S)
    plain = re.sub(r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', lambda m: re.sub(r'[^\n]', ' ', m[0]), plain, flags=re.M)
    seen = []
    for m in re.finditer(rf'^(?!static\b|extern\b|typedef\b|struct\s+\w+\s*\{{)([a-z][\w ]*?[ *]+)({layer.name}_\w+)\(([^;{{]*?)\)([^;{{()]*(?:\(\([^;]*?\)\))?[^;{{()]*);', plain, re.M):
        name = m[2]
        if name.startswith(f'{layer.name}_peek') or any(name == o or o.endswith('*') and name.startswith(o[:-1]) for o in outside):
            continue
        line = plain.count('\n', 0, m.start()) + 1
        last = plain.count('\n', 0, m.end()) + 1
        if name in seen:
            fail(f'{shown}:{line}', f'{name} is declared twice')
        seen.append(name)
        yield Prim(layer.name, shown, line, m[1].strip(), name, m[3], ' '.join(remarks[line - 1:last]))


def read_rows(path):
    rows, rank = [], 0
    for n, text in enumerate(open(path), 1):
        words = text.split(None, 4)
        if not words or words[0][0] == '#':
            continue
        if len(words) > 3 and words[3] != '-':
            rows.append(Layer(*words[:4], words[4] if len(words) > 4 else '-', rank, f'{path}:{n}'))
        elif len(words) < 4:
            fail(f'{path}:{n}', 'expected stem, state, origin, over, hides')
        rank += 1
    return rows


def complete(layers):
    """What each stands on in the end, sees, may not call."""
    by_name = {}
    prims = {p.name: l for l in layers for p in l.prims}
    for l in layers:
        for o in l.over:
            if o not in by_name:
                fail(l.where, f'{l.name} stands on {o}: expected `host\' or layers of the calculus further down')
        l.closure = {l.name}.union(*(by_name[o].closure for o in l.over))
        for h in l.hides:
            if h not in l.closure - {l.name} and (h not in prims or prims[h].name not in l.closure - {l.name}):
                fail(l.where, f'{l.name} hides {h}: expected a layer that it stands on, or a primitive of such a layer')
        by_name[l.name] = l
        # what is hidden from l, and from those above l: name -> who hides it
        l.blind = {}
        for o in l.over:
            l.blind.update(by_name[o].hidden)
        l.hidden = {**l.blind, **{h: l.name for h in l.hides}}
        below = set().union(*(by_name[o].sees for o in l.over))
        l.sees = (below - set(l.hides)) | {l.name}
    return by_name


def struct(members):
    return '{ ' + ''.join(f'{t} {v}; ' for t, v in members) + '}'


def write_header(layers, tower):
    out = [f'/* SPDX-License-Identifier: BSD-2-Clause */\n/* Generated by scripts/gen-hooks.py from LAYERS and the headers. */',
           '#pragma once', '#include "core/hook.h"']
    out += [f'#include "{l.header}"' for l in layers]
    out += [f'extern const struct tower {tower};'] if tower != 'calculus_tower' else []
    for l in layers:
        out += ['', f'/* ---- {l.row} ---- */']
        members = ''.join(f'    {"" if c.name == l.name else "const "}struct {c.name}_abs *{c.name};\n' for c in layers if c.name in l.sees)
        out += [f'struct {l.name}_view {{\n{members}}};',
                f'extern const struct layer {l.name}_layer;',
                f'void {l.name}_abs_init(struct {l.name}_abs *s);']
        for check in ('relates', 'invariant'):
            out += [f'bool {l.name}_{check}_at(const struct {l.name}_view *s, const struct map *m, uint64_t key);',
                    f'bool {l.name}_{check}(const struct {l.name}_view *s);']
        for p in l.prims:
            out += [f'struct {p.name}_args {struct(p.ins)};', f'struct {p.name}_ret {struct(p.rets())};',
                    f'enum verdict {p.name}_spec(struct {l.name}_view *s, ' + ''.join(f'{t} {v}, ' for t, v in p.ins) +
                    f'const struct {p.name}_ret *did, struct {p.name}_ret *r);']
    return '\n'.join(out) + '\n'


def outputs_text(p):
    out = ''
    for checked, names in ((False, [v for _, v in p.outs if not p.status or v in p.always]),
                           (True, [v for _, v in p.outs if p.status and v not in p.always])):
        if checked and len(names) > 1:
            out += '    if (r_.ret == UKERN_OK) {\n' + ''.join(f'        *{v} = r_.{v};\n' for v in names) + '    }\n'
        elif checked and names:
            out += f'    if (r_.ret == UKERN_OK)\n        *{names[0]} = r_.{names[0]};\n'
        else:
            out += ''.join(f'    *{v} = r_.{v};\n' for v in names)
    return out + ('' if p.void else '    return r_.ret;\n')


def field_text(p, part, t, v):
    always = ', .always = true' if v in p.always else ''
    return f'{{ .name = "{v}", .type = "{t}", .at = offsetof(struct {p.name}_{part}, {v}), .size = sizeof({t}){always} }}, '


def hook_text(p):
    void_call = p.void
    return HOOK.substitute(
        vars(p), decl=f'{p.ret} {p.name}_code({p.params})', outs=outputs_text(p),
        values=', '.join(v for _, v in p.ins) + (' ' if p.ins else ''),
        result='' if p.void else 'r_.ret = ', call_result='' if void_call else 'r->ret = ',
        passed=', '.join([v for _, v in p.ins] + [f'&r_.{v}' for _, v in p.outs]),
        call_args=', '.join([f'a->{v}' for _, v in p.ins] + [f'&r->{v}' for _, v in p.outs]), call_end='',
        spec_args=''.join(f'a->{v}, ' for _, v in p.ins),
        has_result=str(not p.void).lower(), has_status=str(p.status).lower(),
        arg_fields=''.join(field_text(p, 'args', *f) for f in p.ins),
        ret_fields=''.join(field_text(p, 'ret', *f) for f in p.rets()))


def bits(layers, names):
    return ' | '.join(f'UINT64_C(1) << {i}' for i, l in enumerate(layers) if l.name in names) or '0'


def write_source(layers, name, tower):
    out = ['/* SPDX-License-Identifier: BSD-2-Clause */', '/* Generated by scripts/gen-hooks.py from LAYERS and the headers.',
           ' *', ' * For each primitive: what callers of other files reach; it lets the code run (x_verb_code, in x.c), its spec, or both. */',
           f'#include "{name}.h"', '', '/* All components, and what each layer\'s spec sees of them. */', 'struct abs {']
    out += [f'    struct {l.name}_abs {l.name};\n    struct {l.name}_view {l.name}_view;' for l in layers] + ['    int none;', '};']
    for i, l in enumerate(layers):
        out += ['', f'/* ==== {l.row} ==== */']
        out += [hook_text(p) for p in l.prims]
        prims = {p.name: p for m in layers for p in m.prims}
        out += [LAYER.substitute(
            n=l.name, row=l.row, origin=l.origin, index=i, rank=l.rank, shared=str(l.state == 'shared').lower(),
            over=bits(layers, l.over), closure=bits(layers, l.closure), sees=bits(layers, l.sees),
            hides=bits(layers, [h for h in l.hides if h not in prims]),
            view=', '.join(f'.{c.name} = &abs->{c.name}' for c in layers if c.name in l.sees),
            prims=''.join(f'&{p.name}_prim, ' for p in l.prims),
            hidden=''.join(f'&{h}_prim, ' for h in l.hides if h in prims))]
    out += [f'const struct tower {tower} = {{',
            '    .layers = (const struct layer *const[]){ ' + ''.join(f'&{l.name}_layer, ' for l in layers) + 'NULL },',
            '    .abs_size = sizeof(struct abs),', '};']
    return '\n'.join(out) + '\n'


def code_text(l):
    return (f'/* Generated: forced into the sources of {l.row} in the check build. */\n#pragma once\n' +
            ''.join(f'#pragma redefine_extname {p.name} {p.name}_code\n' for p in l.prims) +
            f'struct layer;\nextern const struct layer {l.name}_layer;\n#define CALCULUS_LAYER (&{l.name}_layer)\n')


def sight_text(l, layers):
    out = f'/* Generated: forced into the sources and the spec of {l.row} in the check build: what they may not call. */\n#pragma once\n'
    for m in layers[:layers.index(l)]:
        hidden = [(p, l.blind.get(m.name) or l.blind.get(p.name)) for p in m.prims]
        if m.name not in l.closure:
            hidden = [(p, None) for p in m.prims]
        elif not any(by for _, by in hidden):
            continue
        out += f'#include "{m.header}"\n'
        for p, by in hidden:
            if by or m.name not in l.closure:
                why = f'layer {by} hides it' if by else f'layer {l.name} does not stand on {m.name}'
                out += f'__attribute__((unavailable("{why}"))) {p.ret} {p.name}({p.params});\n'
    return out


def row_of(path, rows):
    """The row that a source belongs to: the longest one that its name is, or extends by _something."""
    while path not in rows:
        if not re.search(r'_[^_/]*$', path):
            return None
        path = re.sub(r'_[^_/]*$', '', path)
    return path


def make_text(layers, all_rows, tree, src, name):
    out = '# Generated by scripts/gen-hooks.py: what is forced into the objects of the check build.\n'
    library = 'libukern_check_a' if name == 'hooks' else 'libharness_check_a'
    by_row = {l.row: l for l in layers}
    for folder, _, files in sorted(os.walk(src)):
        for f in sorted(files):
            path = os.path.relpath(os.path.join(folder, f[:-2]), src)
            l = by_row.get(row_of(path, all_rows)) if f.endswith('.c') else None
            if l:
                spec = f[:-2] == f'{l.name}_spec'
                forced = [f'{name}/{l.name}.{what}.h' for what in (['sight'] if spec else ['code', 'sight'])]
                target = f'{os.path.relpath(folder, tree)}/{library}-{f[:-2]}.o'
                flags = ' '.join(f'-include {h}' for h in forced)
                # named as prerequisites, too: a layer that has only now come into the calculus is compiled again
                out += f'{target}: hook_flags = {flags}\n{target}: {" ".join(forced)}\n'
    return out


def write(path, text):
    """Only when it changed, so that what depends on it is not made again."""
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    if not os.path.exists(path) or open(path).read() != text:
        with open(path, 'w') as f:
            f.write(text)


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit('usage: gen-hooks.py TREE LAYERS OUT [NAME]')
    tree, rows, out = sys.argv[1:4]
    name = sys.argv[4] if len(sys.argv) > 4 else 'hooks'
    src = os.path.dirname(os.path.abspath(rows))
    layers = read_rows(rows)
    if len(layers) > 64:
        fail(rows, f'at most 64 layers in the calculus expected, found {len(layers)}')
    for l in layers:
        path = os.path.join(src, l.row + '.h')
        if not os.path.exists(path):
            fail(l.where, f'{path} is missing')
        l.header = l.row + '.h' if name == 'hooks' else os.path.relpath(path, os.path.join(tree, 'tests'))
        l.prims = list(prims_of(l, path, os.path.relpath(path, tree)))
    complete(layers)
    all_rows = {text.split()[0] for text in open(rows) if text.split() and text[0] != '#'}
    tower = 'calculus_tower' if name == 'hooks' else f'{name}_tower'
    write(f'{out}/{name}.h', write_header(layers, tower))
    write(f'{out}/{name}.c', write_source(layers, name, tower))
    write(f'{out}/{name}.mk', make_text(layers, all_rows, os.path.abspath(tree), src, name))
    for l in layers:
        write(f'{out}/{name}/{l.name}.code.h', code_text(l))
        write(f'{out}/{name}/{l.name}.sight.h', sight_text(l, layers))


main()
