#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The test of the checker itself. For each row a bug is planted in the kernel (-DUKERN_BUG_...); `ukern check` must find it
# within so many calls, on each of three seeds; the sequence that it prints for the first one, compiled and run, must give the
# same report while the bug is in, and pass when it is not; and the command that it prints must find the same again.
# Environment: srcdir, builddir, CC, SANITIZE_FLAGS, as `make check` gives them.   bugs.sh [BUG...]: these rows only
set -u
srcdir=$(cd "${srcdir:-.}" && pwd)
builddir=$(cd "${builddir:-$PWD}" && pwd)
. "$srcdir/tests/sample.sh"
work=$(mktemp -d) || exit 1
trap '[ -n "${KEEP:-}" ] && cp -r "$work" "$KEEP" ; rm -rf "$work"' EXIT
cd "$builddir" || exit 1
includes="-I$builddir -I$srcdir/include -I$srcdir/src -I$srcdir/tests"
flags="-std=gnu2x -D_GNU_SOURCE -DUKERN_CHECK -pthread -O1 -g -fno-omit-frame-pointer -fno-optimize-sibling-calls -ftls-model=initial-exec ${SANITIZE_FLAGS:-}"
libs="$(pkg-config --libs libconfig libelf libseccomp jansson) -lev -ldl"
pkg-config --exists libdw && libs+=" $(pkg-config --libs libdw)"
export CK_FORK=no
found=0 failed=0
fail() { echo "FAIL $*"; failed=$((failed + 1)); }

compile() { # SOURCE OBJECT FLAG...
    local source=$1 object=$2
    shift 2
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags $includes "$@" -c "$source" -o "$object" 2>"$work/cc" || { sed 's/^/    /' "$work/cc" | head -5; return 1; }
}
link() { # PROGRAM OBJECT...: the objects come before the archive, whose own copies are then never taken
    local program=$1
    shift
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags "$@" -Wl,--start-group "$builddir/libharness-check.a" "$builddir/libukern-check.a" "$builddir/libukern-vmm.a" \
        -Wl,--end-group $libs $(pkg-config --libs check) -Wl,--dynamic-list="$srcdir/libukern.dynamic" -o "$program"
}
planted() { # BUG SOURCE: planted.o, with what the check build forces into that file
    local stem hooks=
    stem=$(basename "$2")
    hooks=$(sed -n "s,^src/$2\.o: hook_flags = ,,p; s,^src/$(dirname "$2")/libukern_check_a-$stem\.o: hook_flags = ,,p" hooks.mk)
    # shellcheck disable=SC2086
    compile "$srcdir/src/$2.c" "$work/planted.o" "-DUKERN_BUG_$1" $hooks
}
same() { # FILE LAYER CALL WHAT
    grep -q "$3: $4" "$1"
}

one() { # BUG SOURCE LAYER CALLS
    local bug=$1 source=$2 layer=$3 calls=$4 seed status report call what again steps=
    planted "$bug" "$source" || { fail "$bug: src/$source.c cannot be compiled"; return; }
    link "$work/ukern-check" "$work/planted.o" $cli || { fail "$bug: ukern-check cannot be linked"; return; }
    for seed in 101 202 303; do
        timeout 120 "$work/ukern-check" check --layer "$layer" --seed $seed --steps "$calls" --output "$work/found.c" >"$work/out" 2>&1
        status=$?
        [ $status = 1 ] || { fail "$bug, seed $seed: exit status $status, expected 1 within $calls calls"; tail -3 "$work/out"; return; }
        report=$(sed -n 's/^FAILED after [0-9]* calls: //p' "$work/out")
        steps+=" $(sed -n 's/^FAILED after \([0-9]*\) calls.*/\1/p' "$work/out")"
        call=${report%%:*} what=${report#*: }
        again=$(sed -n 's/^again: ukern //p' "$work/out")
        [ $seed = 101 ] || continue # what is said is tried out for the first seed
        # shellcheck disable=SC2086
        timeout 120 "$work/ukern-check" $again --output "$work/again.c" >"$work/out2" 2>&1
        grep -q "^FAILED after [0-9]* calls: $report\$" "$work/out2" || fail "$bug, seed $seed: '$again' does not give the same report"
        compile "$work/found.c" "$work/found.o" -Wall -Werror || { fail "$bug, seed $seed: the printed sequence does not compile"; return; }
        link "$work/found" "$work/found.o" "$work/planted.o" || { fail "$bug: the printed sequence cannot be linked"; return; }
        timeout 60 "$work/found" >"$work/out3" 2>&1 && fail "$bug, seed $seed: the printed sequence passes, with the bug in"
        same "$work/out3" "$layer" "$call" "$what" || { fail "$bug, seed $seed: the printed sequence gives another report than '$report'"; head -3 "$work/out3"; }
        link "$work/right" "$work/found.o" || { fail "$bug: cannot be linked without the bug"; return; }
        timeout 60 "$work/right" >"$work/out4" 2>&1 || { fail "$bug, seed $seed: the printed sequence fails without the bug"; head -5 "$work/out4"; }
    done
    found=$((found + 1))
    printf 'found %-16s after%s calls: %s, %s\n' "$bug" "$steps" "$report" "$(sed -n 's/^made smaller.* to \([0-9]* and [0-9]*\)$/last made smaller to \1 (commands, frames)/p' "$work/out")"
}

cli=$(find src/cli bench -name 'ukern_check-*.o' | sort)
[ -n "$cli" ] || { echo "FAIL: no objects of ukern-check in $builddir"; exit 1; }
timeout 120 ./ukern-check check --steps 20000 >"$work/out" 2>&1 || { fail "the control: without a bug something is found"; tail -20 "$work/out"; }
while read -r bug source layer calls; do
    case $bug in '' | '#'*) continue ;; esac
    in_sample "$bug" || continue
    [ $# = 0 ] || [[ " $* " == *" $bug "* ]] || continue
    one "$bug" "$source" "$layer" "$calls"
done <"$srcdir/tests/check/bugs"
echo "$found planted bugs were found and repeated, $failed failures"
[ $failed = 0 ] && enough_found $found
