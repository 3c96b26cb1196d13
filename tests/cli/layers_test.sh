#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# layers_test: `ukern layers` in its four forms agrees with src/LAYERS; the page in docs/ is the one that it would print now.
. "${srcdir:-$(dirname "$0")/../..}/tests/cli/lib.sh"
rows() { awk '!/^#/ && NF { print $1 }' "$srcdir/src/LAYERS"; }

expect 0 "$UKERN" layers
says err 'layers: the tables are in the other build: running .*ukern-check'
rows >rows
awk 'NR > 1 && /^[a-z]/ { print $1 }' out >printed
cmp -s rows printed || fail "the rows are not those of src/LAYERS, in its order: $(diff rows printed | head -3)"
says out '^mm/container +shared +impl +MContainer +frame; hides frame_alloc'
says out '^ +container_init container_split'

# ---- modes: of options, of a configuration, and what the calculus makes of them
expect 0 "$UKERN_CHECK" layers --layer container=both
says out '^mm/container +shared +both '
says out '^mm/frame +shared +shadow '
says out '^mm/memmap +local +(shadow|impl) '
echo 'processes = ( { program = "hello"; } ); layers = { all = "spec"; container = "both"; };' >layers.conf
expect 0 "$UKERN_CHECK" layers layers.conf
says out '^mm/container +shared +both '
says out '^mm/frame +shared +spec '
expect 0 "$UKERN_CHECK" layers --layer frame=impl layers.conf
says out '^mm/frame +shared +(impl|shadow) '

# ---- JSON, drawing
expect 0 "$UKERN_CHECK" layers --json --layer container=spec
python3 - out rows <<'X' || fail "the JSON of layers"
import json, sys
t = json.load(open(sys.argv[1]))
assert [r["row"] for r in t] == open(sys.argv[2]).read().split()
c = next(r for r in t if r["row"] == "mm/container")
assert c["mode"] == "spec" and c["specification"] and "frame" in c["stands_on"] and c["origin"] == "MContainer"
split = next(p for p in c["primitives"] if p["name"] == "container_split")
assert [a["name"] for a in split["arguments"]] == ["id", "quota"] and split["header"].endswith("container.h")
X
expect 0 "$UKERN_CHECK" layers --dot
says out '^digraph'
if command -v dot >/dev/null; then
    dot -Tsvg out >drawing.svg 2>dot.err || fail "graphviz refuses the drawing: $(head -1 dot.err)"
fi

# ---- the page
expect 0 "$UKERN_CHECK" layers --markdown
if ! cmp -s out "$srcdir/docs/layers.md"; then
    fail "docs/layers.md is not what the tables say now; \`make layers-page\` writes it: $(diff out "$srcdir/docs/layers.md" | head -3)"
fi
sed 's/container_split/container_splt/' "$srcdir/docs/layers.md" >stale.md
cmp -s out stale.md && fail "a stale page is not seen"

# ---- what is wrong
expect 2 "$UKERN_CHECK" layers --layer nosuch=both
says err 'there is no layer "nosuch" with a specification'
expect 2 "$UKERN_CHECK" layers --layer container=maybe
expect 2 "$UKERN_CHECK" layers missing.conf
says err 'missing.conf: expected a configuration file'
expect 2 "$UKERN_CHECK" layers a b
done=$((done + 1))
"$UKERN_CHECK" layers >/dev/full 2>/dev/null && fail "a tower that cannot be written is no failure"
finish
