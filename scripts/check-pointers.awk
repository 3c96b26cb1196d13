# SPDX-License-Identifier: BSD-2-Clause
# check-pointers: calls through function pointers go up only where a page says so.
# Usage: awk -f rows.awk -f check-pointers.awk src/LAYERS PAGE... TAKEN     exit 1: violations, printed
# PAGEs are sources and headers, of which the opening comment is read; TAKEN has
# `FILE takes FUNCTION BY`: the function or variable BY of FILE takes its address, and `FILE defines FUNCTION`.
#
# What must hold: a function whose address is taken
#   belongs to a lower row than the file that takes it (whoever calls it calls down), or
#   is named in a page's `Upward` paragraph: a lower layer calls it, or
#   is named, or what takes it is, in its own layer's `Pointers` paragraph: it is called through a table of that layer, by a
#   higher one, or by Linux
# A name may end in * for all that begin so. A name in `Pointers` that is no such function is reported, too.
# Upward: every word with an underscore is a name. Pointers: `name, name: what for; name: what for`.
function note(text, n, i, item, m, j, word) {
    if (kind == "Upward") {
        gsub(/[^A-Za-z0-9_*]+/, " ", text)
        n = split(text, word, " ")
        for (i = 1; i <= n; i++)
            if (word[i] ~ /^[a-z][a-z0-9]*_[a-z0-9_]*\*?$/)
                listed[kind, ++count[kind]] = word[i] " " page_row
    } else if (kind == "Pointers") {
        n = split(text, item, ";")
        for (i = 1; i <= n; i++) {
            sub(/:.*/, "", item[i])
            gsub(/[^A-Za-z0-9_*]+/, " ", item[i])
            m = split(item[i], word, " ")
            for (j = 1; j <= m; j++)
                listed[kind, ++count[kind]] = word[j] " " page_row
        }
    }
}
function fits(name, pattern) {
    if (pattern ~ /\*$/)
        return index(name, substr(pattern, 1, length(pattern) - 1)) == 1
    return name == pattern
}
function allowed(kind, name, row, i, pair) {
    for (i = 1; i <= count[kind]; i++) {
        split(listed[kind, i], pair, " ")
        if (fits(name, pair[1]) && (kind == "Upward" || pair[2] == row)) {
            met[kind, i] = 1
            return 1
        }
    }
    return 0
}
FILENAME ~ /\.[ch]$/ {
    if (FNR == 1) {
        page_row = row_of(FILENAME)
        in_page = 1
        kind = paragraph = ""
    }
    if (!in_page)
        next
    if (match($0, /^ \* [A-Z][a-z]+ /)) {
        note(paragraph)
        kind = substr($0, 4, RLENGTH - 4)
        paragraph = substr($0, RLENGTH)
    } else
        paragraph = paragraph " " substr($0, 3)
    if (/\*\/[ \t]*$/ && FNR > 1) {
        sub(/ *\*\/ *$/, "", paragraph)
        note(paragraph)
        paragraph = ""
        in_page = 0
    }
    next
}
NF == 3 && $2 == "defines" { home[$3] = $1; next }
NF == 4 && $2 == "takes" { taken[$1, $3, $4] = 1; total++ }
END {
    for (t in taken) {
        split(t, pair, SUBSEP)
        row = row_of(pair[1])
        owner = pair[2] in home ? row_of(home[pair[2]]) : row
        if (owner != row && owner != "" && rank[owner] < rank[row])
            continue
        if (!allowed("Pointers", pair[2], row) && !allowed("Pointers", pair[3], row) && !allowed("Upward", pair[2], row))
            violation(pair[1] ": takes the address of `" pair[2] "': who calls it? Name it in the Upward line of the lower layer's page, or in Pointers of this one's")
    }
    for (i = 1; i <= count["Pointers"]; i++)
        if (!(("Pointers", i) in met)) {
            split(listed["Pointers", i], pair, " ")
            violation("page of " pair[2] ": `" pair[1] "' in Pointers: no function of that name, or taken by it, has its address taken there")
        }
    if (total < 20)
        violation("only " total + 0 " addresses of functions seen: nothing was checked")
    verdict("the rules for function pointers")
}
