# SPDX-License-Identifier: BSD-2-Clause
# layer-ranks: writes layer_ranks.h from src/LAYERS: one constant per row, its value the row's number from the bottom.
# Usage: awk -f scripts/layer-ranks.awk src/LAYERS > layer_ranks.h
BEGIN {
    print "/* SPDX-License-Identifier: BSD-2-Clause */"
    print "/* Generated from src/LAYERS by scripts/layer-ranks.awk: the rank of a lock is its layer's row. */"
    print "#pragma once"
    print "enum {"
}
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
}
