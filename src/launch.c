/* SPDX-License-Identifier: BSD-2-Clause */
/* launch: ukern_spawn_vm: a guest's parameters become a hosted task that runs the VMM (vmm/vmm.h says which arguments it
 * expects). The guest itself is no business of the kernel's.
 *
 * Pointers    vmm_program */
#include "core/machine.h"
#include "vm/vm.h"
#include <inttypes.h>
#include <stdio.h>
#include <ukern/ukern.h>

ukern_program vmm_program; /* vmm/vmm.c: an ordinary program, known here by its name only */

enum { LAUNCH_STACK = 128 << 10, LAUNCH_RAM = 16 << 20, LAUNCH_MODULES = 8 };

static enum ukern_status check(struct ukern *m, const struct ukern_vm_params *p)
{
    const char *why = vm_why_not(m), *name = p->name ? p->name : "(no name)";
    if (!p->kernel.bytes && p->kernel.length)
        return machine_fail(m, UKERN_BADARG, "vm %s: there is no kernel image", name);
    if (p->ram % UKERN_PAGE)
        return machine_fail(m, UKERN_BADARG, "vm %s: ram is %" PRIu64 " bytes, no multiple of 4096", name, p->ram);
    if (p->module_count > LAUNCH_MODULES || (p->module_count && !p->modules))
        return machine_fail(m, UKERN_BADARG, "vm %s: %zu modules; at most %d are possible", name, p->module_count, LAUNCH_MODULES);
    if (p->module_count && p->initrd.bytes)
        return machine_fail(m, UKERN_BADARG, "vm %s: an initrd is Linux's, modules are multiboot's; both were given", name);
    if (why)
        return machine_fail(m, UKERN_UNSUPPORTED, "vm %s: %s", name, why);
    return UKERN_OK;
}

enum ukern_status ukern_spawn_vm(struct ukern *m, const struct ukern_vm_params *vm, uint32_t *ret_task)
{
    struct ukern_vm_params p = { .size = sizeof p };
    char ram[24], format[12];
    struct ukern_blob blobs[1 + LAUNCH_MODULES];
    size_t count = 0;
    if (!vm)
        return UKERN_BADARG;
    memcpy(&p, vm, vm->size < sizeof p ? vm->size : sizeof p);
    enum ukern_status st = check(m, &p);
    if (st != UKERN_OK)
        return st;
    snprintf(ram, sizeof ram, "%" PRIu64, p.ram ? p.ram : LAUNCH_RAM);
    snprintf(format, sizeof format, "%d", (int)p.format);
    blobs[count++] = p.kernel;
    if (p.initrd.bytes)
        blobs[count++] = p.initrd;
    for (size_t i = 0; i < p.module_count; i++)
        blobs[count++] = p.modules[i];
    const char *argv[] = { p.name ? p.name : "guest", ram, format, vm_hardware(m) ? "native" : "interpreted",
                           p.initrd.bytes ? "initrd" : "modules", p.cmdline ? p.cmdline : "" };
    struct ukern_task_params task = {
        .size = sizeof task, .name = argv[0], .program = vmm_program, .cpu = p.cpu, .stack = LAUNCH_STACK, .argc = COUNT_OF(argv),
        .argv = argv, .blobs = blobs, .blob_count = count, .daemon = p.daemon, .expect_code = p.expect_code, .is_vm = true,
        .console = p.console,
    };
    return ukern_spawn(m, &task, ret_task);
}
