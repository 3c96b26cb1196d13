# SPDX-License-Identifier: BSD-2-Clause
# check-symbols: what the objects of the kernel define, use and keep obeys src/LAYERS.
# Usage: awk -v build=fast|check -f rows.awk -f check-symbols.awk src/LAYERS HEADER... SYMBOLS   exit 1: violations, printed
# SYMBOLS comes from check-symbols.sh: `OBJECT source PATH`, `PATH missing`, `OBJECT symbol LETTER NAME` (nm's letter) and
# `OBJECT section NAME SIZE` (hexadecimal).
#
# What must hold:
#   a non-static symbol starts with its layer's stem or with ukern_, or is in the `Names` line of the layer's page;
#   in vmm/ with its file's stem or with vmm_
#   a symbol that an object uses is defined in its own row or a lower one, or is in the `Upward` line of the page of its own
#   row or of a lower one (which declares it)
#   core mm sched ipc vm use no malloc and friends, no stdio; nothing in the library exits, aborts or prints
#   what is in the check build alone (rules: rows.awk) has no object in the fast one
#   no object has data, bss or thread-local bytes, but for `here` of core/machine
function paragraph(kind, text, n, i, word) {
    gsub(/[^A-Za-z0-9_]+/, " ", text)
    n = split(text, word, " ")
    for (i = 1; i <= n; i++)
        if (kind == "Names")
            named[page_row, word[i]] = 1
        else if (kind == "Upward" && (!(word[i] in upward) || rank[page_row] < upward[word[i]]))
            upward[word[i]] = rank[page_row]
}
# A layer's page: the comment that a header opens with; paragraphs begin with ` * Word   `, go on with deeper indents.
FILENAME ~ /\.h$/ {
    if (FNR == 1) {
        page_row = row_of(FILENAME)
        in_page = 1
        kind = ""
    }
    if (!in_page)
        next
    if (match($0, /^ \* [A-Z][a-z]+ /))
        kind = substr($0, 4, RLENGTH - 4)
    paragraph(kind, substr($0, RSTART > 0 ? RLENGTH : 3))
    if (/\*\/[ \t]*$/ && FNR > 1)
        in_page = 0
    next
}
BEGIN {
    split("malloc calloc realloc reallocarray free strdup strndup aligned_alloc posix_memalign memalign valloc asprintf vasprintf getline", w, " ")
    for (i in w)
        allocates[w[i]] = 1
    split("printf vprintf fprintf vfprintf dprintf puts putchar fputs fputc fwrite perror stdout stderr psignal" \
          " __printf_chk __vprintf_chk __fprintf_chk __vfprintf_chk __dprintf_chk", w, " ")
    for (i in w)
        prints[w[i]] = 1
    split("exit _exit _Exit quick_exit abort __assert_fail err errx warn warnx error", w, " ")
    for (i in w)
        ends[w[i]] = 1
    split("core mm sched ipc vm", w, " ")
    for (i in w)
        strict[w[i]] = 1
}
$2 == "source" && build == "fast" && check_only($3) { violation($3 ": is in the fast build, but belongs to the checks") }
$2 == "source" { source[$1] = $3; next }
$2 == "missing" {
    if (build != "fast" || !check_only($1))
        violation($1 ": has no object: is it in Makefile.am?")
    next
}
{ $1 = source[$1] }
$2 == "symbol" {
    if ($3 == "U" || $3 == "w" || $3 == "v")
        uses[$1, $4] = 1
    else if ($3 ~ /[A-Z]/) {
        if ($4 in defined)
            violation($1 ": `" $4 "' is also defined in " defined[$4])
        defined[$4] = $1
        check_name($1, $4)
    }
    symbols++
}
$2 == "section" && $3 ~ /^\.(data|bss|tdata|tbss)(\.|$)/ && $3 !~ /^\.data\.rel\.ro/ && $4 !~ /^0*$/ {
    if ($3 == ".tbss" && $4 ~ /^0*8$/ && row_of($1) == "core/machine")
        here++
    else
        violation($1 ": 0x" $4 " bytes in " $3 ": all mutable state hangs off struct ukern")
}
function check_name(path, name, row, stem) {
    row = row_of(path)
    if (path ~ /^vmm\//) {
        stem = path
        gsub(/^vmm\/|\.c$|_.*$/, "", stem)
        if (index(name, stem "_") != 1 && name !~ /^vmm_/)
            violation(path ": `" name "' is not static: its names start with " stem "_")
        return
    }
    stem = stem_of(row)
    if (index(name, stem "_") == 1 || name == stem || name ~ /^ukern_/)
        return
    if ((row, name) in named)
        return
    violation(path ": `" name "' is not static: names of " row " start with " stem "_")
}
function check_use(path, name, row, from, target) {
    row = row_of(path)
    from = folder_of(row)
    if (path ~ /^src\// && from in strict && (name in allocates))
        violation(path ": uses `" name "': " from "/ takes memory from the arena or from frames")
    if (name in prints || name in ends)
        violation(path ": uses `" name "': the library never prints, exits or aborts")
    if (!(name in defined))
        return
    target = defined[name]
    if (path ~ /^vmm\//) {
        if (target !~ /^vmm\// && name !~ /^ukern_/)
            violation(path ": uses `" name "' of " target ": the VMM knows only <ukern/...>")
        return
    }
    if (target ~ /^vmm\//) {
        if (from != "top")
            violation(path ": uses `" name "' of " target ": only the top of src/ may know the VMM")
        return
    }
    if (rank[row_of(target)] > rank[row] && !(name in upward && upward[name] <= rank[row]))
        violation(path ": uses `" name "' of the higher layer " row_of(target) " (list it in the page's Upward line, or turn it round)")
}
END {
    for (u in uses) {
        split(u, pair, SUBSEP)
        check_use(pair[1], pair[2])
    }
    if (here != 1)
        violation("expected one thread-local of 8 bytes, `here' in core/machine, found " here + 0)
    if (symbols < 100)
        violation("only " symbols + 0 " symbols read: nothing was checked")
    verdict("the rules for symbols")
}
