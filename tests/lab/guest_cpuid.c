/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_cpuid: a static program for an inner guest's initrd: prints who the CPUID instruction says runs the machine.
 * Leaf 0x40000000 answers the highest hypervisor leaf in eax and twelve letters in ebx, ecx, edx. */
#include <cpuid.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    uint32_t eax, name[4] = {0};
    __cpuid(1, eax, name[0], name[1], name[2]);
    if (!(name[1] >> 31 & 1)) {
        puts("none: CPUID says that this is no virtual machine");
        return 1;
    }
    __cpuid(0x40000000u, eax, name[0], name[1], name[2]);
    name[3] = 0;
    printf("%.12s, highest leaf %#x\n", (const char *)name, eax);
    return 0;
}
