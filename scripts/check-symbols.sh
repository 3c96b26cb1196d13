#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check-symbols TREE OBJECTS fast|check: the objects below OBJECTS (a build directory) of one build of the library obey
# src/LAYERS (rules: check-symbols.awk). Exit 1: they do not.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "${1:?usage: check-symbols TREE OBJECTS fast|check}" && pwd)
objects=$(cd "$2" && pwd)
build=$3
nm=${NM:-nm} # may have arguments
# Objects for link-time optimisation hold two forms; nm's plugin would show the other one, without what the machine code uses.
$nm --plugin=/dev/null --version >/dev/null 2>&1 && nm="$nm --plugin=/dev/null"
cd "$tree"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
there=()
for source in src/*.[cS] src/*/*.[cS] vmm/*.c; do
    case $source in src/cli/*) continue ;; vmm/*) library=vmm ;; *) library=$build ;; esac
    [ -e "$source" ] || continue
    name=${source##*/}
    object=${source%/*}/libukern_${library}_a-${name%.*}.o
    if [ -e "$objects/$object" ]; then
        there+=("$object")
        echo "$object source $source"
    else
        echo "$source missing"
    fi
done >"$list"
cd "$objects"
# nm: `object: name letter ...`, and a name like npt.c.5fef7900 that marks the other form; readelf: `File: object`, then a table of sections
$nm -P -A "${there[@]}" | awk '$2 ~ /\.c\.[0-9a-f]+$/ { next } { sub(/:$/, "", $1); print $1, "symbol", $3, $2 }' >>"$list"
readelf -SW "${there[@]}" | sed -n 's/^File: //p; s/^ *\[ *[0-9]*\] *\(\.[^ ]*\) *[^ ]* *[^ ]* *[^ ]* *\([^ ]*\) .*/\1 \2/p' |
    awk 'NF == 1 { object = $1; next } { print object, "section", $1, $2 }' >>"$list"
cd "$tree"
"${AWK:-awk}" -v build="$build" -f "$scripts/rows.awk" -f "$scripts/check-symbols.awk" src/LAYERS src/*.h src/*/*.h "$list"
