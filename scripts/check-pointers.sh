#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check-pointers TREE BUILD: each function of src/ whose address is taken is called downwards, or is listed (rules:
# check-pointers.awk). gcc says which those are; BUILD has layer_ranks.h. Exit 1: one is not listed; 77: no gcc here.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "${1:?usage: check-pointers TREE BUILD}" && pwd)
build=$(cd "$2" && pwd)
command -v gcc >/dev/null || { echo "SKIP: only gcc tells which functions have their address taken"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$tree"
for source in src/*.c src/*/*.c; do
    case $source in src/cli/*) continue ;; esac
    gcc -std=gnu2x -D_GNU_SOURCE -DUKERN_CHECK -O0 -w -I"$build" -Iinclude -Isrc -fdump-ipa-cgraph="$work/graph" -c "$source" -o "$work/object"
    awk -v file="$source" '
        /^[A-Za-z_][A-Za-z_0-9.]*\/[0-9]+ \(/ { name = $1; sub(/\/.*/, "", name); function_ = 0 }
        /^  Type: function/ { function_ = 1 }
        /^  Type: function definition/ && !(name in defined) { defined[name]; print file, "defines", name }
        /^  Referring:.*\(addr\)/ && function_ && !(name in taken) {
            taken[name]
            for (i = 2; i < NF; i += 2) {
                sub(/[.\/].*/, "", $i)
                print file, "takes", name, $i
            }
        }' "$work/graph"
done >"$work/taken"
"${AWK:-awk}" -f "$scripts/rows.awk" -f "$scripts/check-pointers.awk" src/LAYERS src/*.[ch] src/[!c]*/*.[ch] src/core/*.[ch] "$work/taken"
