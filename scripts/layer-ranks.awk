# SPDX-License-Identifier: BSD-2-Clause
# layer-ranks: writes layer_ranks.h from src/LAYERS: one constant per row, its value the row's number from the bottom.
# LAYERS_WITH_MODES(X): X(stem) for each layer of the calculus, that is, for each row whose column `over` is not -.
# LAYER_ROWS(X): X(row, state, origin, over, hides), all text, for each row.
# Usage: awk -f scripts/layer-ranks.awk src/LAYERS > layer_ranks.h
BEGIN {
    print "/* SPDX-License-Identifier: BSD-2-Clause */"
    print "/* Generated from src/LAYERS by scripts/layer-ranks.awk: the rank of a lock is its layer's row. */"
    print "#pragma once"
    print "enum {"
}
/^# stem .* over / { has_over = 1 }
/^#/ || NF == 0 { next }
{
    name = $1
    if (name !~ /^[a-z][a-z0-9_]*(\/[a-z][a-z0-9_]*)?$/) {
        print FILENAME ":" FNR ": expected folder/stem, found `" $1 "'" > "/dev/stderr"
        failed = 1
        exit 1
    }
    if (name in seen) {
        print FILENAME ":" FNR ": " name " is listed twice" > "/dev/stderr"
        failed = 1
        exit 1
    }
    seen[name] = 1
    hides = $0
    sub(/^[^ ]+ +[^ ]+ +[^ ]+ +/, "", hides)
    if (has_over)
        sub(/^[^ ]+ +/, "", hides)
    sub(/ +$/, "", hides)
    table = table " \\\n    X(\"" name "\", \"" $2 "\", \"" $3 "\", \"" (has_over ? $4 : "-") "\", \"" hides "\")"
    if (has_over && NF >= 4 && $4 != "-") {
        stem = name
        sub(/.*\//, "", stem)
        modes = modes " X(" stem ")"
    }
    strings = strings (strings == "" ? "" : ", ") "\"" name "\""
    gsub(/\//, "_", name)
    print "    LAYER_" name ","
}
END {
    if (failed)
        exit 1
    print "    LAYER_COUNT"
    print "};"
    print "#define LAYER_NAMES " strings
    print "#define LAYERS_WITH_MODES(X)" modes
    print "#define LAYER_ROWS(X)" table
}
