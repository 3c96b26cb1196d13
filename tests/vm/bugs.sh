#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Bugs planted in the virtualization layers, each to be found by the named test. Skips without KVM.
. "$(dirname "$(readlink -f "$0")")/plant.sh"
plant none             src/vm/npt       vm/npt_test
plant none             src/vm/vm        vm/vm_test
plant NPT_LOST_SLOT    src/vm/npt       vm/npt_test
plant NPT_NO_MERGE     src/vm/npt       vm/npt_test
plant NPT_NO_REF       src/vm/npt       vm/npt_test
plant VM_ANYBODY       src/vm/vm        vm/vm_test
plant VM_ANSWER_LOST   src/vm/vm        vm/vm_test
plant VM_OUTLIVES_TASK src/vm/vm        vm/vm_test
plant VM_NOT_DIRTY     src/host/kvm_run vm/vm_test
verdict
