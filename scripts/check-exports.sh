#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check-exports KIND FILE: what FILE shows to others is ukern_* and nothing else, and every function of the installed headers
# is in it. KIND: static (an archive), shared (a library), program (what modules may use). Exit 1: it is not so.
# HEADERS in the environment: the folder of the installed headers (default: include/ukern beside this script).
set -euo pipefail
kind=${1:?usage: check-exports static|shared|program FILE} file=$2
headers=${HEADERS:-$(dirname "$0")/../include/ukern}
case $kind in
static) names=$(${NM:-nm} -P -g --defined-only "$file" | awk 'NF >= 2 && $2 ~ /^[A-Zu]$/ { print $1 }') ;;
shared | program) names=$(${NM:-nm} -P -D --defined-only "$file" | awk '$2 ~ /^[A-Zu]$/ && $2 != "A" { sub(/@.*/, "", $1); print $1 }') ;;
*) echo "check-exports: expected static, shared or program, found $kind"; exit 1 ;;
esac
names=$(sort -u <<<"$names")
failures=0
# A program also shows what its start-up files define, and libraries' objects that it had to copy.
extra=$(grep -v '^ukern_' <<<"$names" || true)
[ "$kind" != program ] || extra=$(grep -vE '^(_IO_stdin_used|__data_start|data_start|_start|_end|_edata|__bss_start|main|_init|_fini|std(in|out|err)|__(progname|environ).*|environ|opt(arg|ind|err|opt)|program_invocation_(short_)?name|argp_(err_exit_status|program_.*))$' <<<"$extra" || true)
if [ -n "$extra" ]; then
    echo "$file shows names that are not ukern_*:" $extra
    failures=1
fi
# Functions as the headers declare them: a line that begins with a type and has `ukern_name(`, and is no inline or typedef.
declared=$(sed -n '/^\(static\|typedef\|#\| \)/!s/^[A-Za-z_][A-Za-z_0-9 *]*[ *]\(ukern_[a-z_0-9]*\)(.*/\1/p' "$headers"/*.h | sort -u)
[ "$(wc -w <<<"$declared")" -ge 30 ] || { echo "only $(wc -w <<<"$declared") functions found in $headers: nothing was checked"; failures=1; }
missing=$(comm -23 <(echo "$declared") <(echo "$names"))
if [ -n "$missing" ]; then
    echo "$file lacks functions of the installed headers:" $missing
    failures=1
fi
[ $failures = 0 ] && echo "$file: $(wc -w <<<"$names") names, all ukern_*, the headers' $(wc -w <<<"$declared") functions among them"
exit $failures
