#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Calls through function pointers go up only where a page says so.
. "$srcdir/tests/rules/plant.sh"

check="$scripts/check-pointers.sh"
"$check" "$top" "$builddir" >"$work/output" 2>&1
[ $? != 77 ] || { cat "$work/output"; exit 77; }
holds "$check" "$top" "$builddir"

plant() { # WHAT PATTERN FILE TEXT
    copy_tree
    printf '%b\n' "$4" >>"$work/tree/$3"
    caught "$1" "$2" "$check" "$work/tree" "$builddir"
}
plant "a callback that a higher layer registers" 'src/ipc/chan.c: takes the address of .planted' src/ipc/chan.c \
    'static void planted(struct thread_id t) { (void)t; }\nvoid chan_planted(void);\nvoid chan_planted(void) { thread_at_end(planted); }'
plant "a higher function in a table of a lower layer" 'src/core/lock.c: takes the address of .chan_send' src/core/lock.c \
    'void chan_send(void);\nvoid (*const lock_planted[])(void) = { chan_send };'
plant "a static function in a table" 'src/mm/pt.c: takes the address of .planted' src/mm/pt.c \
    'static int planted(int x) { return x; }\nint (*const pt_planted)(int) = planted;'
copy_tree
sed -i 's/^ \* Pointers    calls/&, sys_planted_nowhere/' "$work/tree/src/syscall.h"
caught "a name in a page that is no function" 'sys_planted_nowhere. in Pointers' "$check" "$work/tree" "$builddir"
finish
