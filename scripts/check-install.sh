#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check-install: what `make install` put down can be used as the README says. Called by make installcheck with DESTDIR,
# bindir, libdir, libexecdir, includedir, pkgconfigdir, srcdir, CC, CFLAGS in the environment. Exit 1: it cannot.
set -u
root=${DESTDIR:-}
lib=$root$libdir
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
export PKG_CONFIG_PATH=$root$pkgconfigdir${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
pkg() { ${PKG_CONFIG:-pkg-config} "$@" libukern; }

must() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        echo "ok: $what"
    else
        echo "FAIL: $what ($*: exit status $?)"
        tail -n 15 "$work/output"
        failed=1
    fi
}

# pkg-config's sysroot is put before every -I and -L that is not the system's.
[ -z "$root" ] || export PKG_CONFIG_SYSROOT_DIR=$root
read -ra cflags <<<"$(pkg --cflags)"
read -ra libs <<<"$(pkg --libs)"
read -ra private <<<"$(pkg --libs --static | sed 's/-lukern//')"
read -ra cc <<<"$CC ${SANITIZE_FLAGS:-} -std=gnu17 -Wall -Wextra -pthread"
unset PKG_CONFIG_SYSROOT_DIR

must "libukern.pc names what is installed" test "${#libs[@]}" -ge 1
must "the version is the headers'" test "$(pkg --modversion)" = "$(sed -n 's/^#define UKERN_VERSION "\(.*\)"/\1/p' "$root$includedir/ukern/ukern.h")"
must "two headers, no more" test "$(cd "$root$includedir/ukern" && echo *)" = "ukern.h user.h"
must "embed.c with the shared library" "${cc[@]}" "${cflags[@]}" -o "$work/shared" "$srcdir/examples/embed.c" "${libs[@]}"
must "embed.c with the static library" "${cc[@]}" "${cflags[@]}" -o "$work/static" "$srcdir/examples/embed.c" "$lib/libukern.a" "${private[@]}"
export LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
must "the shared one uses libukern.so.0" grep -q 'libukern\.so\.0 => /' <(ldd "$work/shared")
must "it runs eight machines" "$work/shared"
must "the static one needs no libukern.so" bash -c "! ldd '$work/static' | grep -q libukern"
must "it runs eight machines" "$work/static"
must "the installed archive shows ukern_* alone" env HEADERS="$root$includedir/ukern" bash "$srcdir/scripts/check-exports.sh" static "$lib/libukern.a"
must "the installed library shows ukern_* alone" env HEADERS="$root$includedir/ukern" bash "$srcdir/scripts/check-exports.sh" shared "$lib/libukern.so"
for program in "$root$bindir/ukern" "$root$libexecdir/ukern/ukern-check"; do
    must "$program is a plain program" bash -c "head -c 4 '$program' | grep -q ELF"
    must "it needs no libukern.so" bash -c "! ldd '$program' | grep -q libukern"
    must "it runs a machine" "$program" run --seccomp=off "$srcdir/examples/embed.conf"
done
exit $failed
