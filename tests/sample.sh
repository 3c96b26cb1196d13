# SPDX-License-Identifier: BSD-2-Clause
# Read by the scripts that plant bugs. in_sample ROW...: whether this run plants it. UKERN_BUG_SAMPLE=N in the environment: about one
# row of N, chosen by UKERN_BUG_SEED (which the caller prints); without it all of them.
in_sample() {
    local sum
    [ -n "${UKERN_BUG_SAMPLE:-}" ] || return 0
    sum=$(printf '%s %s' "$*" "${UKERN_BUG_SEED:-0}" | cksum)
    [ $((${sum%% *} % UKERN_BUG_SAMPLE)) -eq 0 ]
}
# Whether so many found are enough: at least one, of all of them.
enough_found() { [ "$1" -gt 0 ] || [ -n "${UKERN_BUG_SAMPLE:-}" ]; }
