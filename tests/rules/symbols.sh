#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Symbols point down src/LAYERS; no allocation, printing, exit or mutable global in the objects of either build.
. "$srcdir/tests/rules/plant.sh"

check="$scripts/check-symbols.sh"
for build in fast check; do
    holds "$check" "$top" "$builddir" $build
done

mkdir "$work/objects"
(cd "$builddir" && tar cf - src/*.o src/*/*.o vmm/*.o) | tar xf - -C "$work/objects" || exit 99

plant() { # WHAT PATTERN BUILD OBJECT TEXT: the C in TEXT linked to the object of that source in that build
    local build=$3 library=$3 object
    case $4 in vmm/*) library=vmm ;; esac
    object=${4%/*}/libukern_${library}_a-${4##*/}.o
    echo "$5" >"$work/planted.c"
    # shellcheck disable=SC2086 # $CC may have arguments
    ${CC:-cc} -c -O0 -fPIC -w -o "$work/planted.o" "$work/planted.c" || exit 99
    ld -r -o "$work/objects/$object" "$builddir/$object" "$work/planted.o" || exit 99
    caught "$1 ($build)" "$2" "$check" "$top" "$work/objects" "$build"
    cp "$builddir/$object" "$work/objects/$object"
}
for build in fast check; do
    plant "a call upwards" "mm/frame.c: uses .chan_send. of the higher layer" $build src/mm/frame \
        'void chan_send(void); void frame_planted(void) { chan_send(); }'
    plant "the address of a higher function" "core/lock.c: uses .thread_yield. of the higher layer" $build src/core/lock \
        'void thread_yield(void); void (*lock_planted(void))(void) { return thread_yield; }'
    plant "malloc in mm" 'mm/pt.c: uses .malloc' $build src/mm/pt 'void *malloc(unsigned long); void *pt_planted(void) { return malloc(1); }'
    plant "strdup in ipc" 'ipc/chan.c: uses .strdup' $build src/ipc/chan 'char *strdup(const char *); char *chan_planted(void) { return strdup("x"); }'
    plant "free in vm" 'vm/vm.c: uses .free' $build src/vm/vm 'void free(void *); void vm_planted(void *p) { free(p); }'
    plant "printf in sched" 'sched/thread.c: uses .printf' $build src/sched/thread 'int printf(const char *, ...); void thread_planted(void) { printf("%d", 1); }'
    plant "abort in host" 'host/ram.c: uses .abort' $build src/host/ram 'void abort(void); void ram_planted(void) { abort(); }'
    plant "a new global" 'frame.c: 0x0*8 bytes in .bss' $build src/mm/frame 'long frame_planted;'
    plant "a new global with a value" 'frame.c: 0x0*8 bytes in .data' $build src/mm/frame 'long frame_planted = 1;'
    plant "a static variable in a function" 'chan.c: 0x0*4 bytes in .bss' $build src/ipc/chan 'int chan_planted(void) { static int n; return n++; }'
    plant "a second thread-local" 'thread.c: 0x0*8 bytes in .tbss' $build src/sched/thread '_Thread_local long thread_planted;'
    plant "a second thread-local beside here" 'machine.c: 0x0*10 bytes in .tbss' $build src/core/machine '_Thread_local long machine_planted;'
    plant "a thread-local with a value" 'thread.c: 0x0*8 bytes in .tdata' $build src/sched/thread '_Thread_local long thread_planted = 3;'
    plant "a name without its stem" 'planted_helper. is not static' $build src/mm/frame 'void planted_helper(void) {}'
done
cp "$builddir/src/core/libukern_check_a-maths.o" "$work/objects/src/core/libukern_fast_a-maths.o"
caught "the checker in the fast build" 'core/maths.c: is in the fast build' "$check" "$top" "$work/objects" fast
rm "$work/objects/src/core/libukern_fast_a-maths.o"
mv "$work/objects/src/mm/libukern_check_a-frame_spec.o" "$work/spec.o"
caught "a specification that nobody builds" 'mm/frame_spec.c: has no object' "$check" "$top" "$work/objects" check
mv "$work/spec.o" "$work/objects/src/mm/libukern_check_a-frame_spec.o"
plant "a kernel symbol in the VMM" 'vmm/.*uses .frame_drop.' fast "$(cd "$top" && ls vmm/*.c | head -n 1 | sed 's/\.c$//')" \
    'void frame_drop(void); void vmm_planted(void) { frame_drop(); }'
finish
