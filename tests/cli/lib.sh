# SPDX-License-Identifier: BSD-2-Clause
# lib: what the tests of the tool share. Sourced; leaves $work (a folder, which is the current one) and counts failures.
set -u
srcdir=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd) builddir=$(cd "${builddir:-.}" && pwd) CC=${CC:-cc}
UKERN=${UKERN:-$builddir/ukern} UKERN_CHECK=${UKERN_CHECK:-$builddir/ukern-check}
[ -x "$UKERN" ] || { echo "FAIL: there is no $UKERN"; exit 1; }
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
chmod 755 "$work" && cd "$work" || exit 1
failures=0 done=0

fail() {
    failures=$((failures + 1))
    echo "FAIL: $*"
    [ -z "${FIRST_FAILURE_ENDS:-}" ] || exit 1
}
# expect STATUS COMMAND...: its output is in out and err.
expect() {
    local want=$1
    shift
    timeout -k 5 60 "$@" >out 2>err
    local got=$?
    done=$((done + 1))
    [ "$got" = "$want" ] && return
    fail "exit status $got, expected $want: $*"
    sed 's/^/    /' err out | head -20
}
# says FILE PATTERN; lacks FILE PATTERN
says() {
    done=$((done + 1))
    grep -Eq -- "$2" "$1" && return
    fail "no line like '$2' in $1:"
    sed 's/^/    /' "$1" | head -20
}
lacks() {
    done=$((done + 1))
    grep -Eq -- "$2" "$1" || return
    fail "a line like '$2' in $1:"
    sed 's/^/    /' "$1" | head -20
}
# terminal STEP... -- COMMAND...: see pty.c
terminal() {
    done=$((done + 1))
    timeout -k 5 100 ./pty "$@" >pty.out 2>&1 && return
    fail "terminal $*"
    sed 's/^/    /' pty.out | head -30
}
make_pty() { "$CC" -O1 -o pty "$srcdir/tests/cli/pty.c" -lutil || { echo "SKIP: pty.c cannot be compiled here"; exit 77; }; }
# module NAME SOURCE [FLAG...]: NAME.so
module() {
    local name=$1 source=$2
    shift 2
    "$CC" -shared -fPIC -O1 -I"$srcdir/include" "$@" -o "$name.so" "$srcdir/tests/cli/$source" || fail "$source cannot be compiled"
}
# instrumented: built with a sanitizer, so that seccomp and signals are not what users have
instrumented() { [ -n "${SANITIZE_FLAGS:-}${UKERN_INSTRUMENT:-}" ]; }
have_kvm() { [ -r /dev/kvm ] && [ -w /dev/kvm ]; }
finish() {
    echo "$done checks, $failures failed"
    [ "$failures" = 0 ] && [ "$done" -gt 0 ]
    exit
}
