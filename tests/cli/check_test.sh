#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check_test: the command line of `ukern check`: what it accepts, what it prints, that one seed gives one trace. That it finds
# what is wrong is tested by tests/check/bugs.sh.
. "${srcdir:-$(dirname "$0")/../..}/tests/cli/lib.sh"
steps=3000
[ "${UKERN_INSTRUMENT:-}" != valgrind ] || steps=200

# ---- the fast tool starts the other one, and says so
expect 0 "$UKERN" check --steps $steps
says err 'check: specifications are in the other build: running .*ukern-check'
says out '^[0-9]+ calls \([0-9]+ answered an error\), [0-9]+ undefined'
says out '^container +both +[1-9][0-9]* +[1-9]'
lacks out FAILED
expect 2 "$UKERN" check --steps 0
says err 'expected a number from 1'

# ---- one seed, one trace
trace() { sed -n 's/.*trace \([0-9a-f]*\)$/\1/p' "$1"; }
for engine in seq sim; do
    expect 0 "$UKERN_CHECK" check --engine $engine --cpus 3 --seed 5 --steps $steps --policy any
    first=$(trace out)
    expect 0 setarch -R "$UKERN_CHECK" check --engine $engine --cpus 3 --seed 5 --steps $steps --policy any
    [ -n "$first" ] && [ "$(trace out)" = "$first" ] || fail "engine $engine: seed 5 gives $first and $(trace out)"
    expect 0 "$UKERN_CHECK" check --engine $engine --cpus 3 --seed 6 --steps $steps --policy any
    [ "$(trace out)" != "$first" ] || fail "engine $engine: seeds 5 and 6 give the same trace"
done
expect 0 "$UKERN_CHECK" check --engine smp --cpus 4 --steps $steps
says out '^[0-9]+ calls'

# ---- modes: counts of code and specification
expect 0 "$UKERN_CHECK" check --mode all=spec --steps $steps
says out '^container +spec +0 +[1-9]'
lacks out ' spec +[1-9][0-9]* +[0-9]+$'
expect 0 "$UKERN_CHECK" check --mode all=impl --mode container=both --layer container --steps $steps
says out '^container +both +[1-9]'
says out '^frame +shadow +[1-9]'

# ---- JSON
expect 0 "$UKERN_CHECK" check --json --steps $steps
python3 - out <<'X' || fail "the JSON of check"
import json, sys
c = json.load(open(sys.argv[1]))
assert c["failed"] is False and c["calls"] >= 200 and c["steps"] >= c["calls"] and len(c["trace"]) == 16
assert all(l["mode"] == "both" for l in c["layers"]), c["layers"]
assert c["calls"] < 2000 or all(l["code"] > 0 and l["spec"] > 0 for l in c["layers"]), c["layers"]
X

# ---- every refusal in turn
if [ "${UKERN_INSTRUMENT:-}" != valgrind ]; then
    expect 0 "$UKERN_CHECK" check --inject
    says out '^frames: [1-9][0-9]* sites, [0-9]+ refusals:.* container_alloc [1-9].* pt_insert [1-9].* space_map [1-9]'
    says out '^host mappings: [1-9][0-9]* sites.* space_new [1-9].* space_map [1-9]'
    says out "^checker's memory: [1-9][0-9]* requests refused"
fi

# ---- what is wrong
expect 2 "$UKERN_CHECK" check --layer nosuch
says err 'there is no layer "nosuch" with a specification; there are:.* container'
expect 2 "$UKERN_CHECK" check --mode container=fast
says err 'expected one of impl\|both\|spec, got "fast"'
expect 2 "$UKERN_CHECK" check --mode container
expect 2 "$UKERN_CHECK" check --engine none
expect 2 "$UKERN_CHECK" check --seed -1
expect 2 "$UKERN_CHECK" check more
expect 2 "$UKERN_CHECK" check --frames 1
says err 'the machine cannot be made: .*NOMEM'
done=$((done + 1))
"$UKERN_CHECK" check --steps 100 >/dev/full 2>/dev/null && fail "a result that cannot be written is no failure"

# ---- ukern run: modes by option and by configuration
echo 'processes = ( { program = "hello"; } ); layers = { container = "both"; check_every = 100; };' >layers.conf
expect 0 "$UKERN" run layers.conf
says err 'layers: specifications are in the other build: running .*ukern-check'
says out 'hello from task 0'
expect 0 "$UKERN" run --layer container=impl layers.conf
lacks err 'other build'
expect 0 "$UKERN" run --layer all=spec --layer container=both --engine sim layers.conf
says out 'hello from task 0'
expect 2 "$UKERN" run --layer containr=both layers.conf
says err '^set layers.containr=both: there is no such setting; did you mean container\?'
expect 2 "$UKERN" run --layer container=bth layers.conf
says err 'layers.container: expected one of impl\|both\|spec, got "bth"; did you mean "both"\?'
expect 0 "$UKERN" run --dump-config layers.conf
says out '^    container = "both";'
says out '^    frame = "impl";'
finish
