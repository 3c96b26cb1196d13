#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# attach: gdb on a running ukern stops where it is told to, and nowhere else: no `handle` line is needed.
#
# A guest shares a CPU with a task that yields, so that the slice timer kicks the guest out of KVM_RUN over and over (by a
# signal that gdb must not stop on); a breakpoint lies in a hosted task. Exit 77 without /dev/kvm or gdb.
set -u
tool=${UKERN:?the tool to test}
command -v gdb >/dev/null || { echo "SKIP: no gdb here"; exit 77; }
(: <>/dev/kvm) 2>/dev/null || { echo "SKIP: /dev/kvm cannot be opened, so no guest can be kicked"; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
tests=0 failed=0
check() { # TEXT CONDITION…
    local text=$1; shift; tests=$((tests + 1))
    if "$@"; then echo "ok $tests - $text"; else echo "not ok $tests - $text"; failed=1; fi
}

# 16-bit code that counts down for ever so long, then leaves by the debug-exit port: mov ecx, N; loop: dec ecx; jnz; out.
count=${1:-4000000000}
printf '\x66\xb9'"$(printf '%08x' "$count" | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/')"'\x66\x49\x75\xfc\x30\xc0\xe6\xf4\xf4\xeb\xfd' >"$dir/busy.bin"
cat >"$dir/kicks.conf" <<END
machine: { name = "kicks"; cpus = 2; ram = "64M"; };
processes: ( { name = "neighbour"; program = "sleep"; args = ["1", "1500"]; cpu = 1; },
             { name = "other"; program = "spin"; args = ["1000"]; cpu = 0; } );
vms: ( { name = "busy"; cpu = 1; ram = "1M"; format = "flat"; kernel = "$dir/busy.bin"; daemon = true; } );
END
cat >"$dir/commands" <<END
set pagination off
set confirm off
set breakpoint pending on
break sleeper
run run --json $dir/kicks.conf >$dir/summary
info threads
backtrace 3
delete
continue
info program
END
timeout 100 gdb -q -batch -nx -x "$dir/commands" "$tool" </dev/null >"$dir/out" 2>&1
sed 's/^/# /' "$dir/out"
check "the breakpoint in a hosted task is met" grep -q '^Thread .* hit Breakpoint 1, sleeper' "$dir/out"
check "threads bear the CPUs' names" grep -q '"cpu0"' "$dir/out"
check "each of them" grep -q '"cpu1"' "$dir/out"
check "no signal of ours stops gdb" [ "$(grep -c 'received signal' "$dir/out")" = 0 ]
check "the run ends well" grep -q 'exited normally' "$dir/out"
check "stops: the one breakpoint and the exit" [ "$(grep -c -e 'hit Breakpoint' -e 'received signal' -e '^.Inferior .* exited' -- "$dir/out")" = 2 ]
kicks=$("${JSON_GET:?}" "$dir/summary" vm_exits.recall)
check "the guest was kicked 1,000 times or more ($kicks)" [ "${kicks:-0}" -ge 1000 ]
echo "1..$tests"
exit $failed
