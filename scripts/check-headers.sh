#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check-headers TREE BUILD: every header of TREE can be included alone, and opens with its page. Exit 1: one cannot.
#
#   src/**/*.h, tests/*.h     compile alone as gnu2x, fast and check, under gcc and clang
#   vmm/*.h                   likewise, with include/ as the only include path
#   include/ukern/*.h         as C11, C17, gnu2x and C++11, strictly, under both compilers
#   a layer's header          second line "/* stem: ", `Row folder/stem` in its page, #pragma once
# BUILD has the generated headers. The compilers are $CC, $CLANG, $CXX, $CLANGXX; one that is "no" is named and left out.
set -u
tree=$(cd "${1:?usage: check-headers TREE BUILD}" && pwd)
build=$(cd "$2" && pwd)
cd "$tree" || exit 1
compilers=$(printf '%s\n' "${CC:-gcc}" "${CLANG:-clang}" | grep -vx no | sort -u)
cxx_compilers=$(printf '%s\n' "${CXX:-g++}" "${CLANGXX:-clang++}" | grep -vx no | sort -u)
failures=0 compiled=0

bad() { echo "$*"; failures=$((failures + 1)); }

alone() { # HEADER COMPILER FLAGS...: one translation unit that includes it twice and nothing else
    local header=$1 output
    shift
    compiled=$((compiled + 1))
    # shellcheck disable=SC2086 # the compiler may have arguments
    output=$(printf '#include "%s"\n#include "%s"\n' "$header" "$header" | "$@" -Wall -Wextra -Werror -fsyntax-only - 2>&1) ||
        bad "$header does not compile alone with $*:"$'\n'"$(head -n 8 <<<"$output")"
}

page() { # HEADER: a layer's header opens with its page
    local header=$1 stem row
    stem=${header##*/}
    stem=${stem%.h}
    sed -n 2p "$header" | grep -q "^/\* $stem: " || bad "$header: line 2 must begin \`/* $stem: ' and say what it is"
    grep -qx '#pragma once' "$header" || bad "$header: no #pragma once"
    row=${header#src/}
    row=${row%.h}
    if awk -v row="$row" '$1 == row { found = 1 } END { exit !found }' src/LAYERS; then
        awk 'NR > 1 { print } /\*\// && NR > 1 { exit }' "$header" | grep -q "Row $row" || bad "$header: its page does not say \`Row $row'"
    fi
}

# A row whose state is `check` is in the check build only.
builds_of() {
    local row=${1#src/} state
    row=${row%.h}
    state=$(awk -v row="${row%_inside}" '$1 == row { print $2 }' src/LAYERS)
    if [ "$state" = check ] && ! grep -q '^#ifdef UKERN_CHECK' "$1"; then echo -DUKERN_CHECK; else echo -UUKERN_CHECK -DUKERN_CHECK; fi
}

for header in src/*.h src/*/*.h tests/*.h; do
    [ -e "$header" ] || continue
    case $header in src/cli/* | tests/*) ;; *) page "$header" ;; esac
    for compiler in $compilers; do
        for define in $(builds_of "$header"); do
            alone "$tree/$header" $compiler -x c -std=gnu2x -D_GNU_SOURCE $define -I"$build" -Iinclude -Isrc -Itests
        done
    done
done
for header in vmm/*.h; do
    [ -e "$header" ] || continue
    for compiler in $compilers; do
        alone "$tree/$header" $compiler -x c -std=gnu2x -Iinclude
    done
done
for header in include/ukern/*.h; do
    for compiler in $compilers; do
        for standard in c11 c17 gnu2x; do
            alone "$tree/$header" $compiler -x c -std=$standard -pedantic -Wstrict-prototypes -Wundef -Iinclude
        done
    done
    for compiler in $cxx_compilers; do
        alone "$tree/$header" $compiler -x c++ -std=c++11 -pedantic -Wundef -Iinclude
    done
done
echo "$compiled compilations of single headers by:" $compilers $cxx_compilers
[ $compiled -gt 40 ] || bad "expected more than 40: nothing was checked"
[ $failures = 0 ] || { echo "$failures headers or pages are wrong"; exit 1; }
