# SPDX-License-Identifier: BSD-2-Clause
# Read by the scripts that plant bugs. in_sample BUG: whether this run plants it. UKERN_BUG_SAMPLE=N in the environment: about one
# bug of N, chosen by UKERN_BUG_SEED (which the caller prints); without it all of them; controls (`none`) always.
in_sample() {
    local sum
    [ -n "${UKERN_BUG_SAMPLE:-}" ] && [ "$1" != none ] || return 0
    sum=$(printf '%s %s' "$1" "${UKERN_BUG_SEED:-0}" | cksum)
    [ $((${sum%% *} % UKERN_BUG_SAMPLE)) -eq 0 ]
}
# Whether so many found are enough: at least one, of all of them.
enough_found() { [ "$1" -gt 0 ] || [ -n "${UKERN_BUG_SAMPLE:-}" ]; }
