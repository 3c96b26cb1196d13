#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check-symbols TREE OBJECTS fast|check: the objects below OBJECTS (a build directory) of one build of the library obey
# src/LAYERS (rules: check-symbols.awk). Exit 1: they do not.
set -eu
scripts=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "${1:?usage: check-symbols TREE OBJECTS fast|check}" && pwd)
objects=$(cd "$2" && pwd)
build=$3
cd "$tree"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
for source in src/*.[cS] src/*/*.[cS] vmm/*.c; do
    case $source in src/cli/*) continue ;; vmm/*) library=vmm ;; *) library=$build ;; esac
    [ -e "$source" ] || continue
    name=${source##*/}
    object=$objects/${source%/*}/libukern_${library}_a-${name%.*}.o
    [ -e "$object" ] || { echo "$source missing object 0" >>"$list"; continue; }
    "${NM:-nm}" -P "$object" | awk -v path="$source" '{ print path, "symbol", $2, $1 }' >>"$list"
    readelf -SW "$object" | sed -n 's/^ *\[ *[0-9]*\] *//p' | while read -r section _ _ _ size _; do
        case $section in .*) echo "$source section $section $((16#$size))" ;; esac
    done >>"$list"
done
"${AWK:-awk}" -f "$scripts/rows.awk" -f "$scripts/check-symbols.awk" src/LAYERS src/*.h src/*/*.h "$list"
