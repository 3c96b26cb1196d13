#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Bugs planted in the VMM's devices and image loaders, each to be found by the named test.
. "$(dirname "$(readlink -f "$0")")/../vm/plant.sh"
plant none            vmm/board          vmm/device_test
plant none            vmm/plan           vmm/plan_test
plant VMM_IN_WIDTH    vmm/board          vmm/device_test
plant VMM_UART_EDGE   vmm/serial         vmm/device_test
plant VMM_NEW_YEAR    vmm/cmos           vmm/device_test
plant VMM_WALK_LARGE  vmm/walk           vmm/device_test
plant VMM_OVERLAP     vmm/plan           vmm/plan_test
plant VMM_INITRD_HIGH vmm/plan_linux     vmm/plan_test
plant FUZZ_MULTIBOOT  vmm/plan_multiboot vmm/plan_test
plant FUZZ_BZIMAGE    vmm/plan_linux     vmm/plan_test
verdict
