#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# same_trace: under the sim engine one seed gives one trace, byte for byte, whatever the host does otherwise.
#
# Environment: UKERN (the tool), srcdir; UKERN_OTHER: the same tool from another compiler; UKERN_PLANTED: one built with
# -DUKERN_BUG_TRACE_POINTER, which lets a pointer's value decide something, and must be caught by what is done here.
# `same_trace --golden` prints the line to put into tests/trace/golden when the trace changes on purpose.
set -u
tool=${UKERN:?the tool to test}
conf=${srcdir:?}/examples/tour.conf
dir=$(mktemp -d); trap 'rm -rf "$dir"; [ -z "${load:-}" ] || kill $load 2>/dev/null' EXIT
tests=0 failed=0
check() { # TEXT CONDITION…
    local text=$1; shift; tests=$((tests + 1))
    if "$@"; then echo "ok $tests - $text"; else echo "not ok $tests - $text"; failed=1; tail -n 5 "$dir/log" | sed 's/^/# /'; fi
}
# trace SEED NAME [PREFIX…]: the hash of the trace; the run itself must end well.
trace() {
    local seed=$1 name=$2; shift 2
    rm -f "$dir/$name"
    "$@" "$tool" run --engine sim --seed "$seed" --trace "$dir/$name" --without-vms "$conf" </dev/null >"$dir/log" 2>&1 ||
        { echo "failed-$name-$?"; return; }
    sha256sum <"$dir/$name" | cut -d' ' -f1
}
equal() { [ "$1" = "$first" ] || { echo "# expected $first, came $1"; differ "$2"; return 1; }; }
differ() { [ ! -e "$dir/$1" ] || diff "$dir/first" "$dir/$1" | head -6 | sed 's/^/# /'; }

first=$(trace 7 first)
if [ "${1-}" = --golden ]; then echo "7 $first $(wc -l <"$dir/first")"; exit; fi
check "the tour's trace has 10,000 lines or more ($(wc -l <"$dir/first"))" [ "$(wc -l <"$dir/first")" -ge 10000 ]
check "the same again" equal "$(trace 7 again)" again
check "without address space randomization" equal "$(trace 7 fixed setarch -R)" fixed
check "with other contents of fresh host memory" equal "$(trace 7 perturbed env MALLOC_PERTURB_=165)" perturbed
check "with a larger environment and another directory" equal "$(cd / && trace 7 environment env "PAD=$(head -c 5000 /dev/zero | tr '\0' x)")" environment
check "at the lowest priority, on one host CPU" equal "$(trace 7 nice nice -n 19 taskset -c 0)" nice
(while :; do :; done) & load=$!
(while :; do :; done) & load="$load $!"
check "under load" equal "$(trace 7 load)" load
kill $load; load=
script -qec "'$tool' run --engine sim --seed 7 --trace '$dir/terminal' --without-vms '$conf'" /dev/null </dev/null >"$dir/log" 2>&1
check "on a terminal" equal "$(sha256sum <"$dir/terminal" | cut -d' ' -f1)" terminal
"$tool" run --engine sim --seed 7 --trace "$dir/pipe" --without-vms "$conf" </dev/null 2>&1 | cat >"$dir/log"
check "into a pipe" equal "$(sha256sum <"$dir/pipe" | cut -d' ' -f1)" pipe
if command -v valgrind >/dev/null; then
    check "under valgrind" equal "$(trace 7 valgrind valgrind -q)" valgrind
fi
if [ -n "${UKERN_OTHER:-}" ]; then
    check "from the other compiler" equal "$(tool=$UKERN_OTHER; trace 7 other)" other
fi
for seed in $(seq 1 20); do trace "$seed" seed; done >"$dir/hashes"
different=$(grep -v failed "$dir/hashes" | sort -u | wc -l)
check "seeds 1..20 give 15 different traces or more ($different)" [ "$different" -ge 15 ]
check "none of them failed" [ "$(grep -c failed "$dir/hashes")" = 0 ]
golden=$(sed -n 's/^7 \([0-9a-f]*\) .*/\1/p' "$srcdir/tests/trace/golden")
check "it is the trace that the tree says (tests/trace/golden; on purpose: same_trace --golden)" equal "$golden" golden
if [ -n "${UKERN_PLANTED:-}" ]; then
    tool=$UKERN_PLANTED
    caught=0 ended=yes first=$(trace 7 first)
    for way in "env" "setarch -R" "env MALLOC_PERTURB_=165" "env"; do
        other=$(trace 7 planted $way)
        [ "$other" = "$first" ] || caught=1
        case $first$other in *failed*) ended=no ;; esac # no trace at all is no other trace
    done
    check "the planted build runs" [ $ended = yes ]
    check "a planted use of a pointer's value is caught" [ $caught = 1 ]
fi
echo "1..$tests"
exit $failed
