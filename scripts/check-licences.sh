#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check-licences TREE: every text file of TREE names its licence in its first five lines. Exit 1: one does not.
# Not asked: what tools write (configure and its helpers, build directories), data files without comments.
set -eu
cd "${1:?usage: check-licences TREE}"
if [ -e .git ]; then
    list=$(git ls-files --cached --others --exclude-standard)
else
    list=$(find . -path ./_build -prune -o -type f ! -path './build*' ! -path './autom4te.cache/*' ! -path './m4/*' ! -name configure \
        ! -name 'configure~' ! -name Makefile.in ! -name aclocal.m4 -print | sed 's,^\./,,')
fi
checked=0 failures=0
while read -r file; do
    [ -f "$file" ] || continue
    case $file in *.json | *.expected | *.corpus/* | */data/*) continue ;; esac
    grep -Iq . "$file" || continue # empty or binary
    checked=$((checked + 1))
    if ! head -n 5 "$file" | grep -q 'SPDX-License-Identifier: BSD-2-Clause'; then
        echo "$file: no SPDX-License-Identifier: BSD-2-Clause in its first five lines"
        failures=$((failures + 1))
    fi
done <<<"$list"
echo "$checked files looked at"
[ $checked -gt 50 ] || { echo "expected more than 50: nothing was checked"; exit 1; }
[ $failures = 0 ]
