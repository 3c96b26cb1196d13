#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Plants one bug of src/mm and src/host after the other (-DUKERN_BUG_MM_...) and demands that the named test finds it.
# A bug that does not compile, or makes its test hang, counts as not found. The first row is the control: no bug, no finding.
# Environment: srcdir, builddir, CC, CFLAGS, SANITIZE_FLAGS, as `make check` gives them.
set -u
srcdir=$(cd "${srcdir:-.}" && pwd)
builddir=${builddir:-$PWD}
. "$srcdir/tests/sample.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# bug, file of src that has it, test of tests/mm that finds it; plain: not in a build with a
# sanitizer, tsan: in a plain build, with ThreadSanitizer
rows="
none             mm/pt           pt_test
none             mm/pt_entry     pt_entry_test
none             mm/pt_walk      pt_walk_test
none             mm/pt_table     pt_table_test
none             mm/pt_kern      pt_kern_test
none             mm/pt_bit       pt_bit_test
none             mm/pt           mcertikos_pt_test
none             mm/frame        frame_test
none             mm/tlb          tlb_test
none             mm/space        space_test
none             mm/ucopy        ucopy_test
none             mm/share        share_test
none             mm/memmap       memmap_test
TABLE_DIRTY      mm/pt_entry     pt_entry_test
CLEAR_NEIGHBOUR  mm/pt_entry     pt_entry_test
PT_LEVEL         mm/pt_walk      pt_walk_test
WALK_LARGE       mm/pt_walk      pt_walk_test
PREPARE_LEAK     mm/pt_table     pt_table_test
TABLE_U          mm/pt_table     pt_test
COUNT_OFF        mm/pt_table     pt_table_test
TABLE_EARLY      mm/pt_table     pt_table_test
TRIM_STOPS       mm/pt_table     pt_table_test
TABLE_LOST       mm/pt_table     pt_table_test
KERNEL_TAIL      mm/pt_kern      pt_kern_test
KERNEL_HALF      mm/pt_kern      pt_kern_test
NX               mm/pt           pt_test
LARGE_ALIGN      mm/pt           pt_test
OVERWRITE        mm/pt           mcertikos_pt_test
NEXT_SKIPS       mm/pt           pt_test
AGED_LOST        mm/pt           pt_test
BIT_LIMIT        mm/pt_bit       pt_bit_test
BIT_LOWEST       mm/pt_bit       pt_bit_test
none             mm/frame_type   frame_type_test
none             mm/container    container_test
none             mm/container    mcertikos_frames_test
KERNEL_LENT      mm/frame_type   frame_type_test
BUDDY_NEXT       mm/frame_blocks frame_test
LOST_REFILL      mm/frame        frame_test
NO_WAIT          mm/frame        frame_test  tsan
NO_BARRIER       mm/frame        frame_test
OLD_PAYER        mm/frame        frame_test
NOMEM_EARLY      mm/frame        frame_test
LARGE_ANYWHERE   mm/frame        frame_test
REF_TWICE        mm/frame        frame_test
LAST_LEAKS       mm/frame        frame_test
CHILD_ID         mm/container    mcertikos_frames_test
QUOTA_TWICE      mm/container    container_test
REVOKE_PARENT    mm/container    container_test
QUOTA_STAYS      mm/container    container_test
CHILD_STAYS      mm/container    container_test
QUOTA_EDGE       mm/container    container_test
CHARGE_FIRST     mm/container    container_test
RUN_CHARGE       mm/container    container_test
CHARGE_STAYS     mm/container    container_test
none             mm/container    container_test tsan
FREE_UNLOCKED    mm/container    container_test tsan
RUN_END          mm/frame_blocks frame_test
STALE_BYTES      mm/frame        frame_test
DOUBLE_FREE      mm/frame        frame_test
TLB_WRAP         mm/tlb          tlb_test
TLB_FRAME        mm/tlb          tlb_test
TLB_PAGE         mm/tlb          tlb_test
TLB_GENERATION   mm/tlb          tlb_test
TLB_NO_WAIT      mm/tlb          tlb_test
ID_LEAK          mm/space        space_test
DEMAND_END       mm/space        space_test
DIRTY_LOST       mm/space        space_test
NOT_CLEARED      mm/space_map    space_test
TABLE_LEAK       mm/space_map    space_test
NO_SHOOT         mm/space_map    space_test
FREE_EARLY       mm/space_map    space_test
CHARGED_TWICE    mm/space_map    share_test
SHARE_PERM       mm/space_map    space_test
COPY_DONE        mm/ucopy        ucopy_test
COPY_STALE_PAGE  mm/ucopy        ucopy_test
SHARE_HOLE       mm/share_entry  share_entry_test
SHARE_ONE_SIDE   mm/share_op     share_op_test
SHARE_SEEN       mm/share_op     mcertikos_share_test
SHARE_REVOKE     mm/share        share_test
SHARE_GHOST      mm/share        share_test
LOST_PAGE        mm/space_map    space_test
REF_LEAK         mm/space_map    space_test
WINDOW_STALE     mm/space_map    space_test
RANGE_END        mm/space_map    space_test
COPY_WRITE       mm/ucopy        ucopy_test
OVERLAP          mm/ucopy        ucopy_test
REGION_EDGE      mm/memmap       memmap_test
STILL_VISIBLE    host/window     space_test  plain
none             mm/frame        frame_test  tsan
UNLOCKED         mm/frame        frame_test  tsan
none             mm/space        space_test  tsan
ACCESS_UNLOCKED  mm/space        ucopy_test  tsan
SPACE_UNLOCKED   mm/space_map    ucopy_test  tsan
"

includes="-I$builddir -I$srcdir/include -I$srcdir/src -I$srcdir/tests"
flags="-std=gnu2x -D_GNU_SOURCE -pthread -O1 -g -fno-omit-frame-pointer -fno-lto ${SANITIZE_FLAGS:-}"
libs="$(pkg-config --libs check libconfig) -ldl"
failed=0 found=0

# compile <source> <object> <flag...>
compile() {
    local source=$1 object=$2
    shift 2
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags $includes "$@" -c "$source" -o "$object"
}

# run_with <bug> <file> <test> <flag...>: 0 the test passes, 1 it fails, 2 it cannot be built, 124 it hangs
run_with() {
    local bug=$1 file=$2 test=$3
    shift 3
    local object=$work/$test$*.o
    [ -e "$object" ] || compile "$srcdir/tests/mm/$test.c" "$object" "$@" || return 2
    compile "$srcdir/src/$file.c" "$work/bug.o" "-DUKERN_BUG_MM_$bug" "$@" || return 2
    # The lock's contended path must be seen by ThreadSanitizer, too.
    local lock=
    if [ $# -gt 0 ]; then
        lock=$work/lock.o
        [ -e "$lock" ] || compile "$srcdir/src/core/lock.c" "$lock" "$@" || return 2
    fi
    # The object comes before the archive, whose own copy of this file is then never taken.
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags "$@" "$object" "$work/bug.o" $lock -Wl,--start-group "$builddir/libharness-fast.a" \
        "$builddir/libukern-fast.a" "$builddir/libukern-vmm.a" -Wl,--end-group $libs -o "$work/test" || return 2
    (ulimit -t 60; exec timeout 60 "$work/test") >"$work/out" 2>&1
    local status=$?
    [ $status -eq 0 ] || [ $status -eq 124 ] || status=1
    return $status
}

while read -r bug file test only; do
    [ -n "$bug" ] || continue
    in_sample "$bug" "$file" "$test" || continue
    if [ -n "$only" ] && [ -n "${SANITIZE_FLAGS:-}" ]; then
        echo "# not planted in a build with$SANITIZE_FLAGS: $bug, which needs a plain one"
        continue
    fi
    extra=
    [ "$only" = tsan ] && extra=-fsanitize=thread
    run_with "$bug" "$file" "$test" $extra
    status=$?
    expected=1
    [ "$bug" = none ] && expected=0
    if [ $status -ne $expected ]; then
        echo "not ok $bug in src/$file.c: $test ended with $status, expected $expected (0 passes, 1 finds something, 2 cannot be built, 124 hangs)"
        [ $status -eq 2 ] || tail -n 5 "$work/out"
        failed=$((failed + 1))
    elif [ "$bug" != none ]; then
        found=$((found + 1))
        echo "ok $bug: $(grep -m1 -E ':[FE]:|ERROR: |WARNING: Thread' "$work/out" | sed 's/^[^ ]*tests/tests/' | cut -c1-150)"
    fi
done <<EOF
$rows
EOF
echo "# $found planted bugs were found, $failed rows failed"
[ $failed -eq 0 ] && enough_found $found
