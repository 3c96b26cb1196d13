#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every header compiles alone; a layer's header opens with its page; the installed ones are C11, C17, gnu2x and C++11.
. "$srcdir/tests/rules/plant.sh"

check="$scripts/check-headers.sh"
holds "$check" "$top" "$builddir"

plant() { # WHAT PATTERN FILE SED: FILE edited by a sed script
    copy_tree
    sed -i "$4" "$work/tree/$3"
    caught "$1" "$2" "$check" "$work/tree" "$builddir"
}
plant "a type that nobody declared" 'src/mm/frame.h does not compile alone' src/mm/frame.h '$aint frame_planted(struct frame_id f, pthread_t t);'
plant "no guard" 'src/mm/pt.h' src/mm/pt.h '/^#pragma once/d;$astruct pt_planted { int x; };'
plant "no page" 'src/ipc/chan.h: line 2' src/ipc/chan.h '2s,.*,/* something else,'
plant "a page that names another row" 'src/mm/space.h: its page' src/mm/space.h 's,Row mm/space,Row mm/other,'
plant "a C++ keyword" 'ukern.h.*-std=c\+\+11' include/ukern/ukern.h 's,^struct ukern;,struct ukern; void ukern_planted(int class);,'
plant "a C23 construct" 'ukern.h.*-std=c11' include/ukern/ukern.h 's,^struct ukern;,struct ukern; typedef typeof(1) ukern_planted;,'
plant "a hidden kernel header" 'user.h does not compile' include/ukern/user.h 's,^#pragma once,#pragma once\n#include "core/lib.h",'
finish
