# SPDX-License-Identifier: BSD-2-Clause
# plant: read by the tests of the rules. Each runs a check of scripts/ on the tree, which must pass, and then on copies of it
# with one violation planted, which must fail and name it.
set -u
scripts=$(cd "$srcdir/scripts" && pwd)
top=$(cd "$srcdir" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 planted=0

copy_tree() { # a fresh copy of the sources in $work/tree
    rm -rf "$work/tree"
    mkdir -p "$work/tree"
    (cd "$top" && tar cf - --exclude='*.o' src vmm examples include tests/*.h) | tar xf - -C "$work/tree"
    chmod -R u+w "$work/tree"
}

holds() { # COMMAND...: the rule holds
    echo "== holds: ${*#"$scripts"/}"
    "$@" || { echo "FAIL: the rule does not hold (above)"; failed=1; }
}

caught() { # WHAT PATTERN COMMAND...: the check fails and its output matches PATTERN
    local what=$1 pattern=$2 output status=0
    shift 2
    planted=$((planted + 1))
    output=$("$@" 2>&1) || status=$?
    if [ $status = 0 ]; then
        echo "FAIL: planted and not caught: $what"
        failed=1
    elif ! grep -Eq -- "$pattern" <<<"$output"; then
        echo "FAIL: planted ($what), the check failed, but not for that: expected /$pattern/ in"
        tail -n 5 <<<"$output"
        failed=1
    else
        echo "caught: $what: $(grep -E -m 1 -- "$pattern" <<<"$output")"
    fi
}

finish() {
    echo "$planted violations planted"
    [ $planted -gt 0 ] || failed=1
    exit $failed
}
