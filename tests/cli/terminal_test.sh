#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# terminal_test: a guest at a terminal: keys, escape keys, and the terminal given back on every way out.
. "${srcdir:-$(dirname "$0")/../..}/tests/cli/lib.sh"
make_pty
if ! have_kvm; then
    [ -n "${UKERN_REQUIRE_KVM:-}" ] && { echo "FAIL: UKERN_REQUIRE_KVM is set, and /dev/kvm cannot be opened"; exit 1; }
    echo "SKIP: /dev/kvm cannot be opened: no guest at a terminal"
    exit 77
fi
echo "vms = ( { name = \"echo\"; ram = \"1M\"; format = \"flat\"; kernel = \"$builddir/tests/guest/real_echo.bin\"; serial = \"stdio\"; } );" >guest.conf
echo 'processes = ( { program = "echo"; console = "stdio"; } );' >task.conf
up='the terminal belongs to the guest; Ctrl-a x stops the machine, Ctrl-a h helps'

for engine in smp sim; do
    run="$UKERN run --engine $engine"
    terminal expect "$up" expect '>' raw send yz expect yz send '\x01x' expect 'stopped before' exit 0 cooked -- $run guest.conf
    terminal expect "$up" expect '>' raw send '\x01h' expect 'this help' send '\x01b' expect 'cannot send a break' send '\x01x' exit 0 cooked -- $run guest.conf
    terminal expect "$up" raw send q exit 1 cooked -- $run guest.conf
    # Ctrl-C belongs to the guest
    terminal expect "$up" expect '>' raw send '\x03w' expect w send '\x01x' exit 0 cooked -- $run guest.conf
    terminal expect "$up" raw signal INT expect stopping expect 'stopped before' exit 1 cooked -- $run guest.conf
    terminal expect "$up" raw signal TERM signal TERM exit 1 cooked -- $run guest.conf
    terminal expect "$up" raw signal HUP exit 1 cooked -- $run guest.conf
    terminal expect "$up" expect '>' raw signal TSTP stopped cooked signal CONT raw send v expect v send '\x01x' exit 0 cooked -- $run guest.conf
    instrumented || terminal expect "$up" raw signal SEGV exit 139 cooked -- $run guest.conf
    terminal expect "$up" raw signal QUIT exit 131 cooked -- $run guest.conf
    instrumented || terminal expect "$up" raw signal ABRT exit 134 cooked -- $run guest.conf
    # a task's terminal stays a terminal: Ctrl-C stops the machine
    terminal send 'hello\n' expect 'echo: hello' cooked send '\x03' expect stopping expect 'stopped before' exit 1 cooked -- $run task.conf
    terminal send 'hello\nquit\n' expect 'echo: hello' exit 0 cooked -- $run task.conf
done
# a configuration that is wrong, a machine that cannot be made
terminal expect 'expected' exit 2 cooked -- "$UKERN" run --set machine.cpus=0 guest.conf
terminal expect 'cannot run here' exit 77 cooked -- "$UKERN" run --set machine.kvm=off guest.conf
# a violation of the filters while the terminal is raw
if ! instrumented; then
    module forbidden forbidden.c
    { cat guest.conf; echo 'processes = ( { program = "forbidden"; module = "forbidden.so"; args = [ "open" ]; } );'; } >violation.conf
    terminal expect 'forbidden system call openat' exit 1 cooked -- "$UKERN" run violation.conf
fi
finish
