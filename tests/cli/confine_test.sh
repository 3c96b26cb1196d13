#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# confine_test: every thread is confined; a forbidden system call is caught and named, with its thread.
. "${srcdir:-$(dirname "$0")/../..}/tests/cli/lib.sh"
module forbidden forbidden.c
conf() { echo "machine = { cpus = 3; }; processes = ( { program = \"forbidden\"; cpu = 1; module = \"forbidden.so\"; args = [ \"$1\" ]; } );" >forbidden.conf; }

if instrumented; then
    conf allowed
    expect 0 "$UKERN" run forbidden.conf
    says err 'seccomp is off'
    finish
fi
if [ ! -r /proc/sys/kernel/seccomp/actions_avail ]; then
    echo "SKIP: this kernel has no system-call filters"
    exit 77
fi

# ---- the positive control: what a task does by itself, on each engine
while read -r what name; do
    conf "$what"
    expect 1 "$UKERN" run forbidden.conf
    says err "^ukern: seccomp: thread cpu1 made the forbidden system call $name \([0-9]+\)"
    lacks out "gave"
    expect 1 "$UKERN" run --engine sim forbidden.conf
    says err "^ukern: seccomp: thread ukern made the forbidden system call $name \([0-9]+\)"
done <<X
open openat
exec execve
clone clone
socket socket
exec-memory mprotect
kill kill
X
conf allowed
expect 0 "$UKERN" run forbidden.conf
says out 'forbidden: allowed gave [1-9]'
conf open
expect 0 "$UKERN" run --seccomp=off forbidden.conf
says out 'forbidden: open gave [0-9]'
expect 0 "$UKERN" run --seccomp=log forbidden.conf
says out 'forbidden: open gave [0-9]'
says err 'seccomp only logs'

# ---- every thread, main included
threads() { # threads ENGINE NAME...
    local engine=$1 task name mode seen=
    shift
    mkfifo in && sleep 20 >in &
    local writer=$!
    sleep 0.1
    "$UKERN" run --engine "$engine" idle.conf <in >out 2>err &
    local pid=$!
    sleep 1
    for task in /proc/$pid/task/*; do
        read -r name <"$task/comm"
        mode=$(grep -E '^Seccomp:' "$task/status" | tr -dc 0-9)
        seen="$seen $name"
        [ "$mode" = 2 ] || fail "$engine: thread $name has Seccomp $mode, expected 2"
        grep -Eq '^NoNewPrivs:.1' "$task/status" || fail "$engine: thread $name may gain rights"
    done
    kill $pid $writer
    wait $pid $writer 2>/dev/null
    rm -f in
    done=$((done + 1))
    for name; do
        case " $seen " in *" $name "*) ;; *) fail "$engine: no thread $name among:$seen" ;; esac
    done
}
echo 'machine = { cpus = 3; }; processes = ( { program = "echo"; console = "stdio"; } );' >idle.conf
threads smp ukern events cpu0 cpu1 cpu2
threads sim ukern
finish
