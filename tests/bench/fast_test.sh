#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# fast_test: the fast build's hot primitives against bench/ref, which includes nothing of the kernel's, under gcc and clang.
#
#   ticket lock, context switch, trap entry   the same instructions (addresses, names and padding taken away)
#   page walk                                 no more loads, stores and calls, and at most 5 % more instructions (callgrind)
#   the archive of this build, if with -O2    holds the very code that was compared
#
# Then the same with an event of one store planted in each: the comparison must fail, or it proves nothing.
set -u
srcdir=${srcdir:-.} builddir=${builddir:-.}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
failures=0 compared=0

if [ -n "${SANITIZE_FLAGS:-}" ]; then
    echo "SKIP: this build has sanitizers in it; the fast build is compared without"
    exit 77
fi
for tool in objdump valgrind; do
    command -v "$tool" >/dev/null || { echo "SKIP: $tool is missing: install binutils and valgrind"; exit 77; }
done

# As the Makefile compiles the kernel (BASE_CFLAGS comes from it); without debugging information, which valgrind cannot always
# read.
read -ra base <<<"${BASE_CFLAGS:--std=gnu2x -fvisibility=hidden -ftls-model=initial-exec -fno-omit-frame-pointer -fPIC -pthread}"
flags=("${base[@]}" -O2 -D_GNU_SOURCE -I"$builddir" -I"$srcdir/include" -I"$srcdir/src" -I"$srcdir/bench")

# The instructions of function $2 in object $1: no addresses, no comments, no padding; names made neutral.
instructions() {
    objdump -d -r --no-show-raw-insn --no-addresses "$1" |
        awk -v want="<$2>:" '$1 == want { on = 1; next } /^$|^<.*>:$/ { on = 0 } on' |
        sed -E -e 's/#.*//' -e 's/<[^+>]*(\+0x[0-9a-f]+)?>/<\1>/g' -e 's/\b(own|ref)_//g' \
            -e 's/\bswitch_(stack|trap)\b/\1/g' -e 's/R_X86_64_[A-Z0-9_]+.*/@/' -e 's/[ \t]+/ /g' |
        grep -Ev '^ *(nop|nopl|nopw|data16|cs nopw|xchg %ax,%ax)( |$)'
}

# compare WHAT OBJECT FUNCTION REFERENCE-OBJECT REFERENCE-FUNCTION: 0 the same, 1 different, 2 nothing to compare.
compare() {
    instructions "$2" "$3" >"$work/own.s"
    instructions "$4" "$5" >"$work/ref.s"
    if [ ! -s "$work/own.s" ] || [ ! -s "$work/ref.s" ]; then
        echo "  $1: no instructions of $3 or $5 found"
        return 2
    fi
    if cmp -s "$work/own.s" "$work/ref.s"; then
        echo "  $1: the same $(grep -vc '@' "$work/own.s") instructions"
    else
        echo "  $1: differs from its reference (< kernel, > reference)"
        diff "$work/own.s" "$work/ref.s" | sed 's/^/    /'
        return 1
    fi
}

# "instructions loads stores" of function $2 and all that it calls in program $1.
count() {
    valgrind -q --tool=callgrind --cache-sim=yes --callgrind-out-file="$work/count" --toggle-collect="$2" "$1" \
        >"$work/count.log" 2>&1 || { cat "$work/count.log" >&2; return 1; }
    awk '$1 == "events:" { for (i = 2; i <= NF; i++) name[i] = $i }
         $1 == "summary:" { for (i = 2; i <= NF; i++) value[name[i]] = $i
                            print value["Ir"], value["Dr"] + 0, value["Dw"] + 0 }' "$work/count"
}

compare_walk() { # of program $1
    local own ref
    read -ra own <<<"$(count "$1" count_own_walk)"
    read -ra ref <<<"$(count "$1" count_ref_walk)"
    if [ ${#own[@]} != 3 ] || [ ${#ref[@]} != 3 ] || [ "${ref[0]}" -lt 10000 ]; then
        echo "  page walk: nothing was counted (${own[*]}; ${ref[*]})"
        return 2
    fi
    echo "  page walk, 1000 times: ${own[0]} instructions, ${own[1]} loads, ${own[2]} stores; reference ${ref[*]}"
    [ "${own[1]}" -le "${ref[1]}" ] && [ "${own[2]}" -le "${ref[2]}" ] && [ $((own[0] * 100)) -le $((ref[0] * 105)) ]
}

# check EXPECTED(0|1) WHAT-IT-MEANS COMMAND...
check() {
    local expected=$1 meaning=$2
    shift 2
    "$@"
    local got=$?
    compared=$((compared + 1))
    [ "$got" = "$expected" ] || { echo "  FAIL: $meaning"; failures=$((failures + 1)); }
}

# walk DIRECTORY COMPILER: the two layers of a page walk as one object. As the Makefile does it: gcc optimises across files; clang,
# which builds without that (configure says so), gets both in one.
walk() {
    local dir=$1 cc=$2 stem from
    for stem in pt_entry pt_walk; do
        from=$srcdir/src/mm/$stem.c
        [ -f "$dir/src/mm/$stem.c" ] && from=$dir/src/mm/$stem.c
        cp "$from" "$dir/$stem.c"
    done
    if [[ $cc = *gcc* ]]; then
        for stem in pt_entry pt_walk; do
            $cc "${flags[@]}" -flto -ffat-lto-objects -c "$dir/$stem.c" -o "$dir/$stem.o" || return 1
        done
        $cc "${flags[@]}" -flto -flinker-output=nolto-rel -r -nostdlib -o "$dir/walk.o" "$dir"/pt_{entry,walk}.o
    else
        printf '#include "pt_entry.c"\n#include "pt_walk.c"\n' >"$dir/walk.c" && $cc "${flags[@]}" -c "$dir/walk.c" -o "$dir/walk.o"
    fi
}

# build DIRECTORY COMPILER FLAG...: objects of the kernel's sources, from DIRECTORY/src where planted, else from the tree.
build() {
    local dir=$1 cc=$2 source
    shift 2
    mkdir -p "$dir"
    for source in tests/bench/fast_lock.c tests/bench/fast_walk.c src/host/switch_asm.S bench/ref/lock_ref.c bench/ref/walk_ref.c \
        bench/ref/switch_ref_asm.S bench/ref/trap_ref_asm.S; do
        local from=$srcdir/$source
        [ -f "$dir/$source" ] && from=$dir/$source
        $cc "${flags[@]}" "$@" -I"$srcdir/tests/bench" -c "$from" -o "$dir/$(basename "$source").o" || return 1
    done
    walk "$dir" "$cc" || return 1
    $cc -pthread -o "$dir/count" "$dir"/{fast_walk.c,walk,walk_ref.c}.o
}

# all DIRECTORY EXPECTED MEANING EXPECTED-OF-LOCK_GIVE
all() {
    local d=$1
    check "$2" "$3" compare "lock_take" "$d/fast_lock.c.o" own_lock_take "$d/lock_ref.c.o" ref_lock_take
    check "$4" "$3" compare "lock_give" "$d/fast_lock.c.o" own_lock_give "$d/lock_ref.c.o" ref_lock_give
    check "$2" "$3" compare "context switch" "$d/switch_asm.S.o" switch_stack "$d/switch_ref_asm.S.o" ref_switch
    check "$2" "$3" compare "trap entry" "$d/switch_asm.S.o" switch_trap "$d/trap_ref_asm.S.o" ref_trap
    check "$2" "$3" compare_walk "$d/count"
}

# One store more in each primitive: in the lock by its switch, in the others in a copy of the source.
plant() {
    local dir=$1
    mkdir -p "$dir/src/mm" "$dir/src/host"
    sed '/^struct pt_leaf pt_walk_leaf(/,/^}/ s/^    return (struct pt_leaf){ e, 0, 0 };/    volatile uint64_t seen = va;\n    (void)seen;\n&/' \
        "$srcdir/src/mm/pt_walk.c" >"$dir/src/mm/pt_walk.c"
    sed -e '/^switch_stack:/,/ret/ s/^\( *movq *%rsp, (%rdi)\)/\1\n        movq    %rdi, -8(%rsp)/' \
        -e '/^switch_trap:/,/ret/ s/^\( *callq *trap_enter\)/        movq    %rdi, -64(%rsp)\n\1/' \
        "$srcdir/src/host/switch_asm.S" >"$dir/src/host/switch_asm.S"
    ! cmp -s "$srcdir/src/mm/pt_walk.c" "$dir/src/mm/pt_walk.c" && ! cmp -s "$srcdir/src/host/switch_asm.S" "$dir/src/host/switch_asm.S"
}

compilers=()
for cc in gcc "${CLANG:-clang}"; do
    command -v "$cc" >/dev/null && compilers+=("$cc")
done
[ ${#compilers[@]} = 2 ] || { echo "SKIP: gcc and clang are both needed, found: ${compilers[*]}"; exit 77; }

for cc in "${compilers[@]}"; do
    name=$(basename "$cc")
    echo "$name, the kernel as it is:"
    build "$work/$name" "$cc" || { echo "FAIL: $name could not compile the kernel"; exit 1; }
    all "$work/$name" 0 "the fast build pays for something that its reference does not" 0
    echo "$name, one store planted in each but lock_give, each must differ:"
    plant "$work/$name-bug" || { echo "FAIL: the sources have changed, nothing was planted"; exit 1; }
    build "$work/$name-bug" "$cc" -DUKERN_BUG_FAST_EVENT || { echo "FAIL: $name could not compile the planted kernel"; exit 1; }
    all "$work/$name-bug" 1 "the planted store was not noticed" 0
done
# What is shipped is what was compared.
planned=20
mine=$(basename "${CC:-none}") archive=$builddir/libukern-fast.a
if [[ " ${CFLAGS:-} " == *" -O2 "* && -d "$work/$mine" && -f "$archive" ]]; then
    echo "this build's libraries:"
    planned=21
    if [ -f "$builddir/libukern-fast.o" ]; then
        planned=22
        check 0 "the library has another page walk" compare "page walk" "$builddir/libukern-fast.o" pt_walk_leaf "$work/$mine/walk.o" pt_walk_leaf
    else
        echo "  page walk: not compared, this build is not optimised across files: its walk makes four calls"
    fi
    ar p "$archive" libukern_fast_a-switch_asm.o >"$work/switch.o"
    check 0 "the archive has another switch" compare "context switch" "$work/switch.o" switch_stack \
        "$work/$mine/switch_asm.S.o" switch_stack
else
    echo "this build's libukern-fast.a is not compared: it was not made with -O2 by gcc or clang"
fi
echo "$compared comparisons, $failures not as expected"
[ "$failures" = 0 ] && [ "$compared" = "$planned" ]
