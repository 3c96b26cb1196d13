#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# examples/embed.c runs its eight machines, from structs and from a config file, with both libraries.
set -u
case " $UKERN_INSTRUMENT " in
*" valgrind "*)
    echo "SKIP: memcheck has not room enough for the windows of eight machines with four tasks each, 128 GiB of addresses"
    exit 77
    ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
cd "$builddir" || exit 1

embed() { # NAME LIBRARIES...
    local name=$1
    shift
    # shellcheck disable=SC2086 # lists of words
    if ! $CC $SANITIZE_FLAGS $CFLAGS -std=gnu17 -Wall -Wextra -pthread -I"$srcdir/include" -o "$work/$name" "$srcdir/examples/embed.c" "$@" $KERNEL_LIBS; then
        echo "FAIL: embed.c does not build with $name"
        failed=1
        return
    fi
    for config in "" "$srcdir/examples/embed.conf"; do
        # shellcheck disable=SC2086 # none or one argument, and a command with its options
        LD_LIBRARY_PATH=$builddir/.libs $RUNNER "$work/$name" $config || { echo "FAIL: $name ${config:-without a config} ends with $?"; failed=1; }
    done
}
embed static libukern.a
embed shared -L.libs -lukern
exit $failed
