#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The generator of the boundaries refuses what cannot be a primitive; what a layer hides is no part of those above it, and the
# compilers say so; a specification that drifts from its header does not compile.
. "$srcdir/tests/rules/plant.sh"

gen() { # the toys' boundaries, from $work/tree
    "${PYTHON:-python3}" "$scripts/gen-hooks.py" "$work/tree" "$work/tree/tests/core/toy/LAYERS" "$work/gen" toy_hooks
}

toys() { # a fresh copy of them
    copy_tree
    mkdir -p "$work/tree/tests/core"
    cp -r "$top/tests/core/toy" "$work/tree/tests/core/"
    chmod -R u+w "$work/tree/tests"
    rm -rf "$work/gen"
}

toys
holds gen
cmp "$work/gen/toy_hooks.c" "$builddir/toy_hooks.c" || { echo "FAIL: the build's toy_hooks.c is another one"; failed=1; }
holds "${PYTHON:-python3}" "$scripts/gen-hooks.py" "$work/tree" "$work/tree/src/LAYERS" "$work/gen"
[ "$(grep -c '_prim = {' "$work/gen/hooks.c")" -ge 5 ] || { echo "FAIL: fewer than 5 primitives in the kernel"; failed=1; }

refused() { # WHAT PATTERN LINE: LINE at the end of toy_cell.h
    toys
    echo "$3" >>"$work/tree/tests/core/toy/toy_cell.h"
    caught "$1" "$2" gen
}
here='tests/core/toy/toy_cell.h:[0-9]+: toy_cell_planted'
refused "a pointer as parameter" "$here: parameter .char \*text" 'void toy_cell_planted(char *text);'
refused "a pointer to const" "$here: parameter .const char" 'void toy_cell_planted(const char *text);'
refused "an array" "$here: parameter" 'void toy_cell_planted(uint32_t all[4]);'
refused "a function" "$here: parameter" 'void toy_cell_planted(void (*call)(void));'
refused "an output without its prefix" "$here: parameter .uint32_t \*n" 'void toy_cell_planted(uint32_t *n);'
refused "a value with an output's prefix" "$here: parameter .uint32_t ret_n" 'void toy_cell_planted(uint32_t ret_n);'
refused "an output before a value" "$here: .uint32_t i': outputs come last" 'void toy_cell_planted(uint32_t *ret_n, uint32_t i);'
refused "a pointer as result" "$here: a primitive returns" 'char *toy_cell_planted(void);'
refused "an output that is not there, always" "$here: always: ret_m" 'bool toy_cell_planted(uint32_t *ret_n); /* always: ret_m */'
refused "a primitive twice" 'toy_cell_get is declared twice' 'struct toy_owner toy_cell_get(struct toy_item i);'

rows() { # WHAT PATTERN SED: LAYERS edited
    toys
    sed -i "$3" "$work/tree/tests/core/toy/LAYERS"
    caught "$1" "$2" gen
}
rows "a layer that stands on nothing known" 'LAYERS:[0-9]+: toy_stock stands on toy_other' 's/^toy_stock  .*/toy_stock shared - toy_other -/'
rows "a layer that stands on a higher one" 'toy_cell stands on toy_quota' 's/^toy_cell  .*/toy_cell local - toy_quota -/'
rows "hiding what it does not stand on" 'toy_cell hides toy_quota' 's/^toy_cell  .*/toy_cell local - host toy_quota/'
rows "hiding no primitive of anybody" 'toy_quota hides toy_stock_other' 's/toy_stock_free/toy_stock_other/'
rows "a row cut short" 'expected stem, state' 's/^toy_cell  .*/toy_cell local/'

compile() { # COMPILER FILE: as the check build does it
    local stem=${2%.c} flags
    stem=${stem%_spec}
    flags="-include toy_hooks/$stem.sight.h"
    [ "$2" != "$stem.c" ] || flags="-include toy_hooks/$stem.code.h $flags"
    # shellcheck disable=SC2086
    $1 -std=gnu2x -D_GNU_SOURCE -DUKERN_CHECK -Wall -Wextra -Werror -I"$work/gen" -I"$builddir" -I"$top/include" -I"$top/src" \
        -I"$work/tree/tests" $flags -fsyntax-only "$work/tree/tests/core/toy/$2"
}
seen() { # WHAT PATTERN FILE SED [SOURCE]: when a toy's file is edited, it, or SOURCE, does not compile
    local compiler
    for compiler in gcc "${CLANG:-clang}"; do
        command -v "$compiler" >/dev/null || { echo "$compiler is not there: left out"; continue; }
        toys
        gen
        holds compile "$compiler" "${5:-$3}"
        sed -i "$4" "$work/tree/tests/core/toy/$3"
        gen
        caught "$1 ($compiler)" "$2" compile "$compiler" "${5:-$3}"
    done
}
seen "code calls a primitive of a hidden layer" 'toy_cell_set.* is unavailable.*layer toy_stock hides it' toy_quota.c \
    '1i #include "toy_cell.h"
$a void toy_quota_planted(void);\nvoid toy_quota_planted(void) { toy_cell_set((struct toy_item){ 1 }, (struct toy_owner){ 1 }); }'
seen "a spec calls a primitive of a hidden layer" 'is unavailable.*layer toy_stock hides it' toy_quota_spec.c \
    's/^    PRE(is_id(from).*/&\n    (void)toy_cell_get((struct toy_item){ 1 });/'
seen "a spec names a hidden component" "no member named .toy_cell" toy_quota_spec.c \
    's/^    PRE(is_id(from).*/&\n    r->ret = size(s->toy_cell->owner) ? UKERN_OK : UKERN_NOMEM;/'
seen "a spec writes a lower component" 'discards' toy_quota_spec.c \
    's/^    PRE(is_id(from).*/&\n    del(s->toy_stock->owner, (struct toy_item){ 1 });/'
seen "a spec's own hidden lower layer" "no member named .toy_cell" toy_stock_spec.c \
    's/^    PRE(has(.*/&\n    if (size(s->toy_cell->owner))\n        return FORBIDDEN;/'
seen "a prototype that its spec does not follow" 'conflicting types' toy_cell.h \
    's/^void toy_cell_set(struct toy_item i,/& uint32_t planted,/' toy_cell_spec.c
seen "a key of the wrong type" 'invalid initializer|initializing .* with an expression of incompatible type' toy_cell_spec.c \
    's/get(s->toy_cell->owner, i);/get(s->toy_cell->owner, r->ret);/'
finish
