#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run_test: `ukern run` from outside: exit codes, summaries, traces, closed and full outputs, stopping.
. "${srcdir:-$(dirname "$0")/../..}/tests/cli/lib.sh"
tour=$srcdir/examples/tour.conf

# config NAME TEXT: NAME.conf with these processes
config() { echo "processes = ( $2 );" >"$1.conf"; }
config hello '{ program = "hello"; args = [ "again" ]; }'
config wild '{ program = "wild"; }'
config wrong_code '{ program = "exit"; args = [ "3" ]; }'
config right_code '{ program = "exit"; args = [ "3" ]; code = 3; }'
config receive '{ program = "receive"; }'
config spin '{ name = "busy"; program = "spin"; args = [ "0" ]; }'
config echo '{ program = "echo"; console = "stdio"; }'
config file '{ program = "hello"; console = "file:out.txt"; }, { name = "n"; program = "hello"; console = "null"; }'
config overflow '{ program = "overflow"; expect = "killed"; }, { program = "fault"; expect = "killed"; }, { program = "kernel-address"; expect = "killed"; }, { program = "free-twice"; }'

# ---- exit codes on both engines
for engine in smp sim; do
    run="$UKERN run --engine $engine"
    expect 0 $run hello.conf
    says out '^hello from task 0 on cpu0 again'
    says out 'all ended as expected'
    expect 1 $run wild.conf
    says out 'NOT OK  killed: .*0x'
    expect 1 $run wrong_code.conf
    says out 'NOT OK .*3'
    expect 0 $run right_code.conf
    expect 0 $run overflow.conf
    expect 1 $run receive.conf
    says out 'deadlock'
    says err 'receive'
    expect 0 $run --without-vms "$tour"
    says err 'vm "guest" is LEFT OUT'
    says out '^messages +2000'
    expect 0 $run --stats=none hello.conf
    lacks out 'CPUs'
    rm -f out.txt
    expect 0 $run file.conf
    says out.txt '^hello from task 0'
    lacks out '^hello'
    expect 0 $run --json --without-vms "$tour"
    if command -v python3 >/dev/null; then
        python3 -c 'import json,sys; o=json.load(open("out")); assert o["exit_code"]==0 and o["messages"]==2000 and len(o["tasks"])==3, o' || fail "the JSON summary is not what it should be"
    fi
    says err '^ping: all 1000 rounds'
done
expect 2 "$UKERN" run hello.conf --set processes.hello.console=file:/nowhere/x
says err '/nowhere/x: No such file'

# ---- the check build
expect 0 "$UKERN" run --check hello.conf
says err 'running .*ukern-check'
# Shortened, as every long option may be: started once, not for ever.
expect 0 "$UKERN" run --chec hello.conf
done=$((done + 1))
[ "$(grep -c 'running .*ukern-check' err)" = 1 ] || fail "run --chec started ukern-check more than once"
expect 0 "$UKERN_CHECK" run --check hello.conf
lacks err 'running .*ukern-check'
printf '#!/bin/sh\necho "lab: $*"\n' >lab-run && chmod +x lab-run
expect 0 env UKERN_LAB="$work" "$UKERN" run --lab hello.conf
says out '^lab: .*/ukern.* run hello.conf$'
expect 2 env UKERN_LAB="$work" "$UKERN" run --lab --engine sim --trace lost hello.conf
says err 'the lab keeps no files'
expect 0 env UKERN_LAB="$work" "$UKERN" run --lab file.conf
says err 'out.txt is LOST'

# ---- guests
if have_kvm; then
    expect 0 "$UKERN" run "$tour"
    says out 'hello, I am running on /dev/kvm'
    says out '^VM exits +[1-9]'
    expect 0 "$UKERN" run --engine sim "$tour"
    says out '^not deterministic: the guest'
    if [ "$(id -u)" = 0 ] && [ "$(stat -c %a /dev/kvm)" = 600 ] && command -v setpriv >/dev/null; then
        nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
        expect 0 $nobody "$UKERN" run "$tour"
        says err 'vm "guest" is LEFT OUT: .*permission.*ukern run --lab'
        expect 77 $nobody "$UKERN" run --set vms.guest.optional=false "$tour"
        says err 'vm "guest" cannot run here: .*permission'
        expect 77 $nobody "$UKERN" run --set machine.kvm=required "$tour"
    fi
else
    expect 0 "$UKERN" run "$tour"
    says err 'vm "guest" is LEFT OUT'
fi
expect 77 "$UKERN" run --set machine.kvm=off --set vms.guest.optional=false "$tour"

# ---- traces: one seed, one trace
for i in 1 2; do
    expect 0 "$UKERN" run --engine sim --seed 7 --without-vms --trace trace$i "$tour"
    cp out out$i
done
cmp -s trace1 trace2 || fail "two traces of one seed differ"
cmp -s out1 out2 || fail "two outputs of one seed differ"
[ "$(wc -l <trace1)" -ge 10000 ] || fail "the tour's trace has fewer than 10000 lines"
expect 0 "$UKERN" run --engine sim --seed 8 --without-vms --trace trace2 "$tour"
cmp -s trace1 trace2 && fail "two seeds have one trace"

# ---- outputs that are closed or full are errors
for options in '' '--json' '--engine sim'; do
    "$UKERN" run $options hello.conf >/dev/full 2>err
    [ $? = 1 ] || fail "full output, $options: not exit status 1"
    says err 'No space left'
    "$UKERN" run $options hello.conf >&- 2>err
    [ $? = 1 ] || fail "closed output, $options: not exit status 1"
    says err 'Bad file descriptor'
done
"$UKERN" run --dump-config hello.conf >/dev/full 2>err && fail "dump into a full file: exit status 0"
says err 'No space left'
expect 1 "$UKERN" run --engine sim --trace /dev/full hello.conf
says err '/dev/full: the trace is not complete: No space left'
{ "$UKERN" run "$tour" --without-vms 2>err; echo $? >status; } | head -1 >out
[ "$(cat status)" = 1 ] || fail "broken pipe: exit status $(cat status), expected 1"
says err 'Broken pipe'
{ sleep 1; cat; } < <("$UKERN" run --stats=none --set processes.hello.args=x hello.conf 2>/dev/null) >out # a reader that is late
expect 0 "$UKERN" run hello.conf <&-

# ---- input from a pipe, a file, nothing
for engine in smp sim; do
    printf 'one\ntwo\nquit\n' >keys
    expect 0 "$UKERN" run --engine $engine --stats=none echo.conf <keys
    printf 'one\ntwo\nquit\n' | expect 0 "$UKERN" run --engine $engine --stats=none echo.conf
    { for i in $(seq 2000); do echo "line $i of many that do not fit"; done; echo quit; } >keys
    expect 0 "$UKERN" run --engine $engine --stats=none echo.conf <keys
    says out '^echo: line 2000 of many'
    [ "$(wc -l <out)" = 2001 ] || fail "$engine: of 2001 lines of input $(wc -l <out) came back"
    expect 1 "$UKERN" run --engine $engine echo.conf </dev/null
    says out 'deadlock'
done

# ---- a task that makes no call
# ThreadSanitizer holds signals back until the next call that it knows: a loop without one cannot be ended
case ${SANITIZE_FLAGS:-} in *thread*) endless= ;; *) endless=yes ;; esac
if [ -n "$endless" ]; then
    expect 1 "$UKERN" run --engine sim spin.conf
    says out 'busy .*killed: made no kernel call for 2 s'
fi

# ---- stopping: once in order, twice at once
stop() { # stop ENGINE CONFIG SIGNAL...
    local engine=$1 conf=$2
    shift 2
    mkfifo -m 600 in.$$ 2>/dev/null
    sleep 30 >in.$$ &
    local writer=$!
    "$UKERN" run --engine "$engine" "$conf" <in.$$ >out 2>err &
    local pid=$!
    sleep 1
    for signal; do
        kill -"$signal" $pid
        sleep 0.3
    done
    wait $pid
    local status=$?
    kill $writer 2>/dev/null
    wait $writer 2>/dev/null
    rm -f in.$$
    done=$((done + 1))
    [ $status = 1 ] || fail "$engine, $conf, $*: exit status $status, expected 1"
}
for engine in smp sim; do
    stop $engine echo.conf TERM
    says out 'stopped before the end'
    says err 'stopping; once more ends at once'
    stop $engine echo.conf HUP
    says out 'stopped before the end'
done
if [ -n "$endless" ]; then
    stop smp spin.conf TERM
    says out 'busy .*killed: made no kernel call'
fi
stop smp spin.conf TERM TERM
says err 'ended at once'
finish
