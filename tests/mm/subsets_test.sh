#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# subsets_test: vertical composition: whatever is code and whatever is specification, one visible behaviour. Each layer alone in
# both and in spec, all in both, all in spec, and random assignments: the trace of random calls at the tower's top and at three
# lower interfaces (ukern check --subsets, which also demands that no code of a layer in spec has run), and what the tour's tasks
# see: their calls, the answers, the console.
# Environment: UKERN_SUBSETS: how many random assignments; UKERN_SEED: of them.
. "${srcdir:-$(dirname "$0")/../..}/tests/cli/lib.sh"
seed=${UKERN_SEED:-$((RANDOM * 32768 + RANDOM))}
assignments=${UKERN_SUBSETS:-50} tours=8
[ -z "${UKERN_INSTRUMENT:-}${SANITIZE_FLAGS:-}" ] || { assignments=3 tours=1; }
echo "seed $seed (UKERN_SEED=$seed repeats it)"

# ---- random calls
layers=$("$UKERN_CHECK" layers --json | python3 -c 'import json, sys; print(*[r["row"].split("/")[-1] for r in json.load(sys.stdin) if r["specification"]])')
top=${layers##* }
for layer in $top pt container frame; do
    case " $layers " in *" $layer "*) ;; *) continue ;; esac
    n=$assignments
    [ "$layer" = "$top" ] || n=5
    expect 0 "$UKERN_CHECK" check --layer "$layer" --subsets "$n" --seed "$seed"
    says out "^layer $layer, policy any, .* 0 refused, 0 differ"
    says out "^layer $layer, policy lowest, .* 0 refused, 0 differ"
    grep '^layer' out
    [ "$layer" != "$top" ] || sed -n '2,/^layer/p' out
done

# ---- the tour. Its raw trace has points of the checks in it, and so other times; what a task sees is each task's own.
seen() { # FILE OPTION...
    local file=$1
    shift
    expect 0 "$UKERN_CHECK" run --engine sim --seed 7 --trace trace --without-vms --seccomp off "$@" "$srcdir/examples/tour.conf"
    awk '$4 == "call" || $4 == "return" || $4 == "console" { print $3, $4, $5, $6 }' trace | sort -s -n -k1,1 >"$file"
    rm -f trace
}
seen first
[ "$(wc -l <first)" -ge 5000 ] || fail "the tour has only $(wc -l <first) lines that tasks see"
tried=0
try() {
    seen now "$@"
    tried=$((tried + 1))
    cmp -s first now || fail "the tour is another one with $*: $(diff first now | head -3)"
}
try --layer all=both
try --layer all=spec
RANDOM=$((seed % 32768))
for layer in $layers; do
    [ "${UKERN_INSTRUMENT:-}" != valgrind ] || break
    [ $tours = 8 ] || [ $((RANDOM % 4)) = 0 ] || continue
    try --layer "$layer=spec"
    try --layer "$layer=both"
done
modes=(impl both spec)
for _ in $(seq $tours); do
    options=()
    for layer in $layers; do options+=(--layer "$layer=${modes[RANDOM % 3]}"); done
    try "${options[@]}"
done
echo "the tour: $tried assignments of modes, $(wc -l <first) lines that tasks see"
# What is compared is able to differ.
sed '100s/ [^ ]*$/ 4711/' first >planted
cmp -s first planted && fail "a planted difference is not seen"
finish
