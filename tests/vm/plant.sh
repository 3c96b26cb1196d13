# SPDX-License-Identifier: BSD-2-Clause
# plant: read by tests/vm/bugs.sh and tests/vmm/bugs.sh. `plant` builds one source with -DUKERN_BUG_<name>, links the named test with
# it, and demands that the test finds it; the row `none` is the control. A bug that does not compile, or makes its test hang, counts
# as not found. Environment: srcdir, builddir, CC, SANITIZE_FLAGS, as `make check` gives them.
set -u
srcdir=$(cd "${srcdir:-.}" && pwd)
builddir=$(cd "${builddir:-$PWD}" && pwd)
export srcdir builddir
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0 found=0
flags="-std=gnu2x -D_GNU_SOURCE -pthread -O1 -g -fno-omit-frame-pointer -fno-lto ${SANITIZE_FLAGS:-} -I$builddir -I$srcdir/include -I$srcdir/src -I$srcdir/tests"
libs="$(pkg-config --libs check libconfig libelf) -ldl"

# run_with BUG SOURCE TEST: 0 the test passes, 1 it fails, 2 it cannot be built, 77 it skips, 124 it hangs
run_with() {
    local object=$work/${3##*/}.o status=0
    # shellcheck disable=SC2086
    [ -e "$object" ] || ${CC:-gcc} $flags -c "$srcdir/tests/$3.c" -o "$object" || return 2
    # The object comes before the archive, whose own copy of this file is then never taken.
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags "-DUKERN_BUG_$1" -c "$srcdir/$2.c" -o "$work/planted.o" 2>"$work/out" || return 2
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags "$object" "$work/planted.o" -Wl,--start-group "$builddir/libharness-fast.a" "$builddir/libukern-fast.a" \
        "$builddir/libukern-vmm.a" -Wl,--end-group $libs -o "$work/test" 2>"$work/out" || return 2
    (cd "$builddir" && timeout 60 "$work/test") >"$work/out" 2>&1 || status=$?
    case $status in 0 | 77 | 124) return $status ;; esac
    return 1
}

plant() { # BUG SOURCE TEST
    local status=0 expected=1
    [ "$1" != none ] || expected=0
    run_with "$@" || status=$?
    if [ "$1" = none ] && [ $status -eq 77 ]; then
        head -1 "$work/out"
        exit 77
    fi
    if [ $status -ne $expected ]; then
        echo "FAIL $1 in $2.c: $3 ended with $status, expected $expected (0 passes, 1 finds something, 2 cannot be built, 124 hangs)"
        tail -n 5 "$work/out"
        failed=$((failed + 1))
    elif [ "$1" != none ]; then
        found=$((found + 1))
        echo "found $1: $(grep -m1 -E ':[FE]:|ERROR: ' "$work/out" | sed 's/^[^ ]*tests/tests/' | cut -c1-150)"
    fi
}

verdict() {
    echo "$found planted bugs were found, $failed rows failed"
    [ $failed -eq 0 ] && [ $found -gt 0 ]
}
