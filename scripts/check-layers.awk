# SPDX-License-Identifier: BSD-2-Clause
# check-layers: file names and includes obey src/LAYERS.
# Usage: awk -f rows.awk -f check-layers.awk src/LAYERS FILE...   (paths from the tree's root); exit 1: violations, printed
#
# What must hold:
#   a file of a layer is named as its row, or row_something; every row has a file
#   a specification x_spec.c includes "core/spec.h", headers of src/host and standard C
#   #include "folder/x.h" points to the own row or one further down; row_inside.h only within the row
#   <sys/...>, <linux/...>, <pthread.h>, <unistd.h>, <signal.h> and all else that is not standard C: src/host, src/cli
#   <stdlib.h>: not in core mm sched ipc vm, which have no malloc
#   vmm/: <ukern/...>, standard C and its own headers
#   examples/: <ukern/...> and the system's headers: they are programs of somebody else
#   src/cli: its own headers, <ukern/...>, the system's; the bench also bench/
function bad(text) { violation(FILENAME ":" FNR ": " text) }
function check_own(path, target) {
    if (area == "vmm") {
        if (path !~ /^(vmm\/)?[a-z0-9_]+\.h$/)
            bad("vmm/ includes only <ukern/...>, its own headers and standard C, not \"" path "\"")
    } else if (area == "examples") {
        bad("examples include only <ukern/...> and the system's headers, not \"" path "\"")
    } else if (area == "cli") {
        if (path !~ /^(cli\/)?[a-z0-9_]+\.h$/ && !(FILENAME ~ /\/bench[^\/]*$/ && path ~ /(^|\/)bench\/[a-z0-9_]+\.h$/))
            bad("the tool uses the library through <ukern/...>, not \"" path "\"")
    } else if (path != "layer_ranks.h" && row != "") {
        target = row_of(path)
        if (path == "hooks.h" && row == "core/spec")
            return
        if (FILENAME ~ /_spec\.c$/ && path !~ /^(core\/(spec|sanitize)\.h$|host\/)/)
            bad("a specification includes \"core/spec.h\", \"core/sanitize.h\", headers of src/host and standard C, not \"" path "\"")
        else if (target == "")
            bad("\"" path "\" belongs to no row of src/LAYERS")
        else if (rank[target] > rank[row])
            bad(row " includes \"" path "\", but " target " is a higher row of src/LAYERS")
        else if (path ~ /_inside\.h$/ && target != row)
            bad("\"" path "\" is for the files of " target " alone")
    }
}
function check_system(header) {
    if (header ~ /^ukern\/(ukern|user)\.h$/ || area == "cli" || area == "examples" || folder == "host")
        return
    if (header in standard && (header != "stdlib.h" || folder == "top" || area == "vmm"))
        return
    if (header ~ /^(sanitizer|valgrind)\// && row == "core/sanitize" || header == "libconfig.h" && row ~ /^config/)
        return
    if (area == "vmm")
        bad("vmm/ includes only <ukern/...>, its own headers and standard C, not <" header ">")
    else if (header == "stdlib.h")
        bad("<stdlib.h> in " folder "/: nothing is allocated from the host below the top of src/")
    else
        bad("<" header "> may only be included in src/host and src/cli")
}
BEGIN {
    split("assert ctype errno float inttypes limits math setjmp stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string time", c, " ")
    for (i in c)
        standard[c[i] ".h"] = 1
}
FNR == 1 {
    row = ""
    folder = ""
    area = FILENAME
    sub(/\/.*/, "", area)
    if (FILENAME ~ /^src\/cli\//)
        area = "cli"
    if (area == "src") {
        row = row_of(FILENAME)
        folder = folder_of(substr(FILENAME, 5))
        if (row == "")
            bad("no row of src/LAYERS has this name (a file is named as its row, or row_something)")
        used[row] = 1
    }
}
/^[ \t]*#[ \t]*include/ {
    if (match($0, /"[^"]*"/))
        check_own(substr($0, RSTART + 1, RLENGTH - 2))
    else if (match($0, /<[^>]*>/))
        check_system(substr($0, RSTART + 1, RLENGTH - 2))
    else
        bad("expected #include \"folder/stem.h\" or #include <header>")
}
END {
    for (r in rank)
        if (!(r in used))
            violation("src/LAYERS: row " r " has no file")
    verdict("the layering of files and includes")
}
