#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Positive controls of an instrumented build: every kind of bug that it is there to find is planted, and must be reported,
# by exit status 66 and nothing else; the same program without the bug must end with 0.
# Environment: what script tests get, UKERN_INSTRUMENT (asan, ubsan, tsan, valgrind, several) and the tools' options.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 planted=0
under=
case " $UKERN_INSTRUMENT " in *" valgrind "*) under=$VALGRIND_COMMAND ;; esac

build() { # OUTPUT SOURCE FLAGS...: linked with the kernel of this build directory
    local output=$1 source=$2
    shift 2
    # shellcheck disable=SC2086 # all of these are lists of words
    $CC $BASE_CFLAGS $CFLAGS -O1 -fno-lto -Wno-maybe-uninitialized -Wno-use-after-free -Wno-uninitialized -I"$builddir" \
        -I"$srcdir/include" -I"$srcdir/src" "$@" -o "$work/$output" "$srcdir/tests/controls/$source.c" \
        -Wl,--whole-archive,"$builddir/libukern-fast.a,$builddir/libukern-vmm.a",--no-whole-archive $KERNEL_LIBS
}

expect() { # STATUS PROGRAM
    local status=0
    # shellcheck disable=SC2086 # a command with its options
    $under "$work/$2" >"$work/output" 2>&1 || status=$?
    if [ $status != "$1" ]; then
        echo "FAIL: $2 ends with $status, expected $1"
        tail -n 20 "$work/output"
        failed=1
    else
        echo "ok: $2 ends with $status: $(grep -E -m 1 'SUMMARY|runtime error|ERROR SUMMARY|definitely lost: [1-9]|Invalid|uninitialised' "$work/output")"
    fi
}

control() { # NAME SOURCE FLAGS...
    local name=$1 source=$2
    shift 2
    planted=$((planted + 1))
    if build "$name-planted" "$source" "$@" && build "$name-sound" "$source" -DSOUND "$@"; then
        expect 66 "$name-planted"
        expect 0 "$name-sound"
    else
        echo "FAIL: $name does not build"
        failed=1
    fi
}

cd "$builddir" || exit 1
for instrument in $UKERN_INSTRUMENT; do
    echo "== $instrument"
    case $instrument in
    asan)
        control leak leak
        control overflow overflow -fno-sanitize=object-size
        control freed freed
        control arena arena
        ;;
    ubsan) control undefined undefined ;;
    tsan)
        control race race
        control race-across-cpus race_tasks -DCPUS=2
        control race-on-one-cpu race_tasks -DCPUS=1
        ;;
    valgrind)
        control leak leak
        control overflow overflow
        control freed freed
        control uninitialised uninitialised
        ;;
    *) echo "FAIL: no controls for $instrument"; failed=1 ;;
    esac
done
echo "$planted bugs planted"
[ $planted -gt 0 ] || failed=1
exit $failed
