/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm: the program that runs a guest: a hosted task like any other, with no privilege of its own.
 *
 * For        src/launch.c, which spawns it with these arguments:
 *            argv[0] name of the VM, [1] RAM in bytes, [2] enum ukern_guest_format, [3] "native" or "interpreted" (how this
 *            host's KVM runs supervisor code), [4] "initrd" (blob 1 is one) or "modules", [5] the command line;
 *            blob 0 is the kernel, the others are the initrd or modules; the task's console is COM1's
 * Result     the exit code: the byte that the guest wrote to the debug-exit port 0xf4; 0 for power-off, reset and halting for
 *            ever; one of enum vmm_failure otherwise. The reason is printed on console 0, and is the task's reason
 * Guards     the guest's image and everything the guest does are hostile: the worst is the end of this task */
#pragma once
#include "board.h"
#include "plan.h"

enum vmm_failure {
    VMM_TRIPLE_FAULT = 256, /* the guest's CPU shut down                                 */
    VMM_UNHANDLED = 257,    /* an exit that nobody handles; registers were printed      */
    VMM_BAD_IMAGE = 258,    /* the image was refused                                     */
    VMM_NO_RESOURCES = 259  /* memory, or the kernel refused a call                      */
};

struct vmm {
    const struct ukern_start *start;
    const char *name;
    bool interpreted;
    uint32_t vm;
    uint64_t ram_bytes;
    uint8_t *ram;
    struct board board;
    /* Console 0 is everybody's, so what the guest prints there goes out in lines; half a line when nothing follows for a
     * while (RECALL). Other consoles get every byte at once. */
    uint8_t line[200];
    uint32_t line_used;
    bool line_open; /* the last byte that went out was no newline */
    bool refused;   /* a call for a device failed: the guest cannot go on */
    char why[120];  /* how the guest ended */
};

int vmm_program(const struct ukern_start *start);
/* One line "vm NAME: ..." on console 0. */
void vmm_say(struct vmm *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says so, and keeps it as the reason for the end. Returns code. */
int vmm_end(struct vmm *v, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Everything about an exit that nobody handles. */
void vmm_report(struct vmm *v, const struct ukern_vm_exit *x);
