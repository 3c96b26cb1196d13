#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Both libraries and the tool show ukern_* and nothing else, and all of the installed headers' functions.
. "$srcdir/tests/rules/plant.sh"

check="$scripts/check-exports.sh"
holds "$check" static "$builddir/libukern.a"
holds "$check" shared "$builddir/.libs/libukern.so"
holds "$check" program "$builddir/ukern"
holds "$check" program "$builddir/ukern-check"

echo 'int frame_planted(void) { return 0; }' >"$work/planted.c"
# shellcheck disable=SC2086 # $CC may have arguments
${CC:-cc} -c -fPIC -o "$work/planted.o" "$work/planted.c" || exit 99
cp "$builddir/libukern.a" "$work/extra.a"
ar r "$work/extra.a" "$work/planted.o" || exit 99
caught "a foreign name in the static library" 'frame_planted' "$check" static "$work/extra.a"
(cd "$work" && ld -r --whole-archive -o all.o "$builddir/libukern.a" && objcopy --localize-symbol=ukern_make all.o) || exit 99
rm -f "$work/lacks.a"
ar cr "$work/lacks.a" "$work/all.o" || exit 99
caught "a function that the static library lacks" 'lacks functions.*ukern_make' "$check" static "$work/lacks.a"
# shellcheck disable=SC2086
${CC:-cc} -shared -o "$work/extra.so" -Wl,--whole-archive,"$builddir/libukern.a",--no-whole-archive "$work/planted.o" || exit 99
caught "a foreign name in the shared library" 'frame_planted' "$check" shared "$work/extra.so"
finish
