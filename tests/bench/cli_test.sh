#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# cli_test: `ukern bench` from outside: exit codes, JSON, what it says about itself. Nothing here depends on a time.
set -u
UKERN=${UKERN:-./ukern} UKERN_CHECK=${UKERN_CHECK:-./ukern-check}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
failures=0 done=0

# expect STATUS COMMAND...: its output is in $work/out and $work/err.
expect() {
    local want=$1
    shift
    "$@" >"$work/out" 2>"$work/err"
    local got=$?
    done=$((done + 1))
    [ "$got" = "$want" ] && return
    failures=$((failures + 1))
    echo "FAIL: exit status $got, expected $want: ${*#"$work/"}"
    sed 's/^/    /' "$work/err" "$work/out" | head -20
}
# says FILE PATTERN
says() {
    done=$((done + 1))
    grep -Eq -- "$2" "$work/$1" && return
    failures=$((failures + 1))
    echo "FAIL: no line like '$2' in:"
    sed 's/^/    /' "$work/$1" | head -20
}

expect 0 "$UKERN" bench --list
for figure in harness chan chan2 exit-pio exit-mmio exit-hlt trap lock walk frame; do
    says out "^$figure "
done
for wrong in nosuch --time=0 --time=x --time=-1 --time=99999999999999999999 --blocks=0 --blocks=102 --nosuch; do
    expect 2 "$UKERN" bench "$wrong"
    says err .
done
expect 0 "$UKERN" bench --time=1 --blocks=3 harness
says out '^harness:'
says out '^ukern bench: build [0-9.]+ fast( with [A-Za-z, ]+)?; (hardware KVM|KVM without hardware virtualization|no /dev/kvm)'
says out '^  work \+ 20 % '
expect 0 "$UKERN" bench --json --time=1 --blocks=3 lock
for member in '"version": 1' '"build": "[0-9.]+ fast"' '"kvm": "(hardware|software|none)"' '"name": "lock"' '"outcome": "measured"' \
    '"blocks_ns"' '"verdict": "(short|none)"' '"ratio"' '"gate": 1.1'; do
    says out "$member"
done
expect 0 "$UKERN_CHECK" bench --json --time=1 --blocks=3 harness
says out '"build": "[0-9.]+ check"'
says out '"judged": false'
echo "$done checks, $failures failed"
[ "$failures" = 0 ] && [ "$done" -gt 40 ]
