#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# bugs: plants one bug of the tool or of the configuration after the other and demands that the named test finds it.
set -u
srcdir=$(cd "${srcdir:-.}" && pwd)
builddir=$(cd "${builddir:-.}" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if [ -n "${SANITIZE_FLAGS:-}" ]; then
    echo "SKIP: seccomp and crash signals are off in instrumented builds"
    exit 77
fi
flags="-std=gnu2x -D_GNU_SOURCE -pthread -O1 -g -fPIC -fno-omit-frame-pointer -ftls-model=initial-exec -fno-lto"
includes="-I$builddir -I$srcdir/include -I$srcdir/src"
defines='-DUKERN_LIBEXECDIR="/nowhere" -DUKERN_PKGDATADIR="/nowhere"'
libs="$(pkg-config --libs libconfig libelf libseccomp jansson) -lev -lm -ldl"
found=0 failed=0
ln -s "$builddir/ukern-check" "$work/ukern-check"

plant() { # BUG SOURCE: $work/ukern with it
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags $includes $defines ${1:+-DUKERN_BUG_$1} -c "$srcdir/src/$2" -o "$work/planted.o" || return 1
    local objects=() object
    for object in "$builddir"/src/cli/ukern-*.o "$builddir"/bench/ukern-*.o "$builddir"/bench/ref/ukern-*.o; do
        [ "$object" = "$builddir/src/cli/ukern-$(basename "$2" .c).o" ] || [ ! -e "$object" ] || objects+=("$object")
    done
    # The object comes before the archive, whose own copy of this file is then never taken.
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags "${objects[@]}" "$work/planted.o" -Wl,--start-group "$builddir/libukern-fast.a" "$builddir/libukern-vmm.a" -Wl,--end-group \
        -Wl,--dynamic-list="$srcdir/libukern.dynamic" $libs -o "$work/ukern"
}

while read -r bug source test; do
    [ "$bug" = none ] && bug=
    if ! plant "$bug" "$source"; then
        echo "FAIL ${bug:-none}: it cannot be built"
        failed=$((failed + 1))
        continue
    fi
    UKERN=$work/ukern FIRST_FAILURE_ENDS=yes timeout 120 bash "$srcdir/tests/cli/$test.sh" >"$work/out" 2>&1
    status=$?
    if [ $status = 77 ]; then
        echo "not here: ${bug:-none}: $(grep SKIP "$work/out")"
    elif [ $status != $([ -z "$bug" ] && echo 0 || echo 1) ]; then
        echo "FAIL ${bug:-none} in src/$source: $test ended with $status"
        tail -n 8 "$work/out"
        failed=$((failed + 1))
    elif [ -n "$bug" ]; then
        found=$((found + 1))
        echo "found $bug: $(grep -m1 '^FAIL' "$work/out" | cut -c1-150)"
    fi
done <<X
none             config_dump.c        config_test
CONFIG_ESCAPE    config_dump.c        config_test
CONFIG_OVERLAP   config_rules.c       config_test
CONFIG_HEX       config_text.c        config_test
MODULE_TLS       host/module.c        config_test
none             cli/term.c           terminal_test
TERM_STAYS_RAW   cli/term.c           terminal_test
TERM_CRASH       cli/term.c           terminal_test
none             cli/confine.c        confine_test
CONFINE_MAIN     cli/confine.c        confine_test
CONFINE_EXEC     cli/confine_rules.c  confine_test
OUTPUT_LOST      cli/output.c         run_test
X
echo "$found planted bugs were found, $failed rows failed"
[ $failed = 0 ] && [ $found -gt 0 ]
