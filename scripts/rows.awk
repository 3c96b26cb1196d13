# SPDX-License-Identifier: BSD-2-Clause
# rows: what the other scripts share about src/LAYERS. Load it first: awk -f rows.awk -f check-x.awk src/LAYERS ...
#
# rank[row]       position from the bottom, 1..rows
# row_of(path)    the row of src/folder/stem.c, stem_more.c, stem.h ...: the longest row that the name is or extends
#                 by _something; "" when there is none
# state_of[row]   its second word
# check_only(path) whether a source is in the check build alone: a specification, or a row whose state is `check'
# folder_of(row)  core host mm sched ipc vm top
function folder_of(name) { return name ~ /\// ? substr(name, 1, index(name, "/") - 1) : "top" }
function row_of(name) {
    sub(/^src\//, "", name)
    sub(/\.[chS]$/, "", name)
    while (!(name in rank)) {
        if (!match(name, /_[^_\/]*$/))
            return ""
        name = substr(name, 1, RSTART - 1)
    }
    return name
}
function check_only(path) { return path ~ /_spec\.c$/ || state_of[row_of(path)] == "check" }
function stem_of(row) { sub(/.*\//, "", row); return row }
function violation(text) { print text; violations++ }
function verdict(what) {
    if (violations) {
        print violations " violations of " what
        exit 1
    }
}
BEGIN {
    split("core host mm sched ipc vm top", folder_order, " ")
    for (i in folder_order)
        folder_rank[folder_order[i]] = i
}
FILENAME ~ /LAYERS$/ {
    if (/^#/ || NF == 0)
        next
    rows++
    if ($1 in rank)
        violation(FILENAME ":" FNR ": row " $1 " is listed twice")
    rank[$1] = rows
    state_of[$1] = $2
    if (!(folder_of($1) in folder_rank))
        violation(FILENAME ":" FNR ": row " $1 ": expected a folder of core host mm sched ipc vm, or none")
    else if (folder_rank[folder_of($1)] < highest_folder)
        violation(FILENAME ":" FNR ": row " $1 ": folders go up in the order core host mm sched ipc vm, then src/ itself")
    else
        highest_folder = folder_rank[folder_of($1)]
    next
}
