#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every file of the tree names its licence.
. "$srcdir/tests/rules/plant.sh"

check="$scripts/check-licences.sh"
holds "$check" "$top"
copy_tree
echo 'int x;' >"$work/tree/src/mm/planted.c"
caught "a file without a licence" 'src/mm/planted.c: no SPDX' "$check" "$work/tree"
finish
