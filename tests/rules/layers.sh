#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Files and includes point down src/LAYERS; Linux stays in src/host and src/cli; the VMM sees the installed headers only.
. "$srcdir/tests/rules/plant.sh"

check="$scripts/check-layers.sh"
holds "$check" "$top"

plant() { # WHAT PATTERN FILE TEXT: TEXT at the end of FILE
    copy_tree
    mkdir -p "$(dirname "$work/tree/$3")"
    printf '%b\n' "$4" >>"$work/tree/$3"
    caught "$1" "$2" "$check" "$work/tree"
}
plant "an include upwards within a folder" 'mm/pt includes "mm/space.h"' src/mm/pt.c '#include "mm/space.h"'
plant "an include upwards between folders" 'core/lock includes "sched/thread.h"' src/core/lock.c '#include "sched/thread.h"'
plant "the top included from below" 'ipc/chan includes "trap.h"' src/ipc/chan.c '  #  include "trap.h"'
plant "another layer's inside header" 'thread_inside.h" is for the files of' src/trap.c '#include "sched/thread_inside.h"'
plant "a Linux header in mm" '<sys/mman.h> may only be' src/mm/frame.c '#include <sys/mman.h>'
plant "a Linux header at the top of src" '<unistd.h> may only be' src/trap.c '#include <unistd.h>'
plant "pthreads in core" '<pthread.h> may only be' src/core/lock.h '#include <pthread.h>'
plant "the host's allocator in sched" '<stdlib.h> in sched/' src/sched/thread.c '#include <stdlib.h>'
plant "a file without a row" 'mm/cache.c:1: no row' src/mm/cache.c '/* cache */'
plant "a folder without a place" 'row dev/uart: expected a folder' src/LAYERS 'dev/uart none - -'
plant "a row above its folder" 'row mm/late: folders go up' src/LAYERS 'mm/late none - -'
plant "a row without a file" 'row ghost has no file' src/LAYERS 'ghost none - -'
plant "a row twice" 'row mm/pt is listed twice' src/LAYERS 'mm/pt none - -'
plant "the kernel in the VMM" 'vmm/ includes only' vmm/planted.c '#include "core/lib.h"'
plant "the kernel in the VMM by a path" 'vmm/ includes only' vmm/planted.c '#include "../src/core/lib.h"'
plant "Linux in the VMM" 'vmm/ includes only' vmm/planted.c '#include <fcntl.h>'
plant "the kernel in the tool" 'the tool uses the library through' src/cli/planted.c '#include "core/machine.h"'
plant "the tool in the kernel" 'belongs to no row' src/boot.c '#include "cli/run.h"'
plant "the kernel in an example" 'examples include only' examples/planted.c '#include "core/lib.h"'
plant "a specification that knows code" 'a specification includes "core/spec.h"' src/mm/frame_table_spec.c '#include "mm/frame_table_inside.h"'
plant "code that knows the generated file" '"hooks.h" belongs to no row' src/mm/frame_table.c '#include "hooks.h"'
finish
