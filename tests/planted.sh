#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Plants one bug of the kernel after the other (-DUKERN_BUG_...) and demands that the named test finds it.
#   planted.sh ROWS      a file of rows: bug, source below src/, test below tests/, where
# where: any    the test of any build finds it
#        check  only the check build's own rules find it
#        tsan   only ThreadSanitizer finds it: the row counts when $SANITIZE_FLAGS has it, else the check-tsan stage runs it
#        hang   the bug loses a wake-up: the test ends or is stopped by its time limit
# A bug that does not compile counts as not found; so does a hang, unless the row says so. Bug `none` is the control.
# Environment: srcdir, builddir, CC, SANITIZE_FLAGS, as `make check` gives them.
set -u
rows=$1
srcdir=$(cd "${srcdir:-.}" && pwd)
builddir=${builddir:-$PWD}
. "$srcdir/tests/sample.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
includes="-I$builddir -I$srcdir/include -I$srcdir/src -I$srcdir/tests"
flags="-std=gnu2x -D_GNU_SOURCE -pthread -O1 -g -fno-omit-frame-pointer -ftls-model=initial-exec ${SANITIZE_FLAGS:-}"
libs="$(pkg-config --libs check libconfig libelf) -ldl"
failed=0 found=0 elsewhere=0
tsan=no
case ${SANITIZE_FLAGS:-} in *thread*) tsan=yes ;; esac

compile() { # SOURCE OBJECT FLAG...
    local source=$1 object=$2
    shift 2
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags $includes "$@" -c "$source" -o "$object"
}

hook_flags() { # SOURCE: what the check build forces into it (hooks.mk), for a layer of the calculus
    local object=src/$1
    object=${object%/*}/libukern_check_a-$(basename "${1%.c}").o
    sed -n "s,^$object: hook_flags = ,,p" "$builddir/hooks.mk"
}

run_with() { # BUG SOURCE TEST BUILD: 0 the test passes, 1 it fails, 2 it cannot be built, 124 it hangs
    local bug=$1 source=$2 test=$3 build=$4 define= hooks=
    local object=$work/${test//\//_}.$build.o
    [ "$build" = check ] && define=-DUKERN_CHECK hooks=$(hook_flags "$source")
    [ -e "$object" ] || compile "$srcdir/tests/$test.c" "$object" $define || return 2
    # shellcheck disable=SC2086
    compile "$srcdir/src/$source" "$work/planted.o" "-DUKERN_BUG_$bug" $define $hooks || return 2
    # The object comes before the archive, whose own copy of this file is then never taken.
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags "$object" "$work/planted.o" -Wl,--start-group "$builddir/libharness-$build.a" "$builddir/libukern-$build.a" \
        "$builddir/libukern-vmm.a" -Wl,--end-group $libs -o "$work/test" || return 2
    timeout "${PLANTED_SECONDS:-12}" "$work/test" >"$work/out" 2>&1
    local status=$?
    [ $status -eq 0 ] || [ $status -eq 124 ] || status=1
    return $status
}

while read -r bug source test where; do
    case $bug in ''|'#'*) continue ;; esac
    in_sample "$bug" "$source" "$test" || continue
    # Each row has one home: a TSan build carries out its own rows and the controls.
    if [ "$bug" != none ] && { [ "$where" = tsan ] || [ $tsan = yes ]; } && [ "$where$tsan" != tsanyes ]; then
        elsewhere=$((elsewhere + 1))
        continue
    fi
    build=fast
    [ "$where" = check ] && build=check
    run_with "$bug" "$source" "$test" $build
    status=$?
    if [ "$bug" = none ] && [ $status -ne 0 ]; then
        echo "FAIL: without a bug $test ended with $status"
        tail -n 8 "$work/out"
        failed=$((failed + 1))
    elif [ "$bug" != none ] && [ $status -ne 1 ] && { [ "$where" != hang ] || [ $status -ne 124 ]; }; then
        echo "FAIL $bug in src/$source: $test ended with $status, expected 1 (0 passes, 2 cannot be built, 124 hangs)"
        failed=$((failed + 1))
    elif [ "$bug" != none ]; then
        found=$((found + 1))
        echo "found $bug: $(grep -m1 -E ':[FE]:|ERROR: |WARNING: |SUMMARY: |timed out' "$work/out" | sed 's/^[^ ]*tests/tests/' | cut -c1-150)"
    fi
done <"$rows"
echo "$found planted bugs were found, $failed rows failed, $elsewhere rows are for the other build (with or without ThreadSanitizer)"
[ $failed -eq 0 ] && enough_found $found
