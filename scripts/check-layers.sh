#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check-layers TREE: file names and includes of TREE obey its src/LAYERS (rules: check-layers.awk). Exit 1: they do not.
set -eu
scripts=$(cd "$(dirname "$0")" && pwd)
cd "${1:?usage: check-layers TREE}"
mapfile -t files < <(find src vmm examples -name '*.[chS]' | LC_ALL=C sort)
[ ${#files[@]} -gt 20 ] || { echo "check-layers: only ${#files[@]} source files found in $1: nothing was checked"; exit 1; }
exec "${AWK:-awk}" -f "$scripts/rows.awk" -f "$scripts/check-layers.awk" src/LAYERS "${files[@]}"
