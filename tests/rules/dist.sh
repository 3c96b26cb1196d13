#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The source package has every file of the tree; every source has its line in Makefile.am.
. "$srcdir/tests/rules/plant.sh"

[ -e "$top/.git" ] && git -C "$top" rev-parse >/dev/null 2>&1 || { echo "SKIP: no git tree to compare the package with"; exit 77; }

packed() { # PACKAGE LIST: each file of LIST is in PACKAGE
    local file status=0
    while read -r file; do
        case $file in .gitignore | .ci/*) continue ;; esac
        [ -e "$1/$file" ] || { echo "$file is not in the source package: name it in Makefile.am"; status=1; }
    done <"$2"
    return $status
}
git -C "$top" ls-files | while read -r file; do [ -e "$top/$file" ] && echo "$file"; done >"$work/list"
[ "$(wc -l <"$work/list")" -gt 50 ] || { echo "only $(wc -l <"$work/list") files found"; exit 1; }
make -s -C "$builddir" distdir distdir="$work/package" am__skip_mode_fix=yes >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
holds packed "$work/package" "$work/list"
echo src/mm/planted.c >>"$work/list"
caught "a file that the package lacks" 'src/mm/planted.c is not in' packed "$work/package" "$work/list"
finish
