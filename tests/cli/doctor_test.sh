#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# doctor_test: `ukern doctor` with /dev/kvm, without it, and without the right to open it.
. "${srcdir:-$(dirname "$0")/../..}/tests/cli/lib.sh"

if have_kvm; then
    expect 0 "$UKERN" doctor
    says out '^This host: (hardware KVM|KVM without hardware virtualization|the lab)'
    says out 'API version +12, expected 12'
    says out 'KVM_CAP_USER_MEMORY +1'
    says out 'supervisor code +[0-9.]+ million'
else
    expect 77 "$UKERN" doctor
    says out '^This host: no usable /dev/kvm'
fi
says out 'mappings of a process +[0-9]+'
says out 'locked memory'
cp out report
expect "$(have_kvm && echo 0 || echo 77)" "$UKERN" doctor --json
if command -v python3 >/dev/null; then
    python3 -c 'import json; o=json.load(open("out")); assert len(o["findings"]) > 10 and "situation" in o' || fail "the JSON report is not what it should be"
fi
if [ -e /dev/kvm ] && [ "$(id -u)" = 0 ] && [ "$(stat -c %a /dev/kvm)" != 666 ] && command -v setpriv >/dev/null; then
    expect 77 setpriv --reuid 65534 --regid 65534 --clear-groups "$UKERN" doctor
    says out 'NO /dev/kvm +Permission denied'
    says out 'sudo (usermod -aG|setfacl -m u:)'
fi
if [ "$(id -u)" = 0 ] && command -v unshare >/dev/null && unshare -m true 2>/dev/null; then
    # a /dev without kvm
    expect 77 unshare -m sh -c 'mount -t tmpfs none /dev && "$0" doctor' "$UKERN"
    says out 'NO /dev/kvm +No such file'
    says out 'modprobe kvm'
    expect 0 unshare -m sh -c 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && "$0" run "$1"' "$UKERN" "$srcdir/examples/tour.conf"
    says err 'vm "guest" is LEFT OUT: .*No such file'
fi
"$UKERN" doctor >/dev/full 2>err
[ $? = 1 ] || fail "doctor into a full file: not exit status 1"
expect 2 "$UKERN" doctor word
expect 2 "$UKERN" doctor --nosuch
finish
