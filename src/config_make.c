/* SPDX-License-Identifier: BSD-2-Clause */
/* config_make: from a checked configuration to a machine with its tasks and VMs.  Row config_make
 *
 * Guarantees  an optional VM is left out only when there is no usable KVM, and a line of level WARNING says so
 * Lock        none */
#include "config.h"
#include "core/machine.h"
#include "vm/vm.h"
#include <stdio.h>

#define LAYER_STRING(stem) #stem,

enum { REGIONS = 64, ARGS = 64, MODULES = 8 };

static enum ukern_status spawn_process(struct ukern *m, const struct config_process *p)
{
    const struct config_file *files = p->files.items;
    struct ukern_blob blobs[UKERN_BLOBS_MAX];
    const char *argv[ARGS + 1] = { p->name };
    uint32_t task;
    for (size_t i = 0; i < p->files.count; i++)
        blobs[i] = (struct ukern_blob){ files[i].name, files[i].blob.bytes, files[i].blob.length };
    for (size_t i = 0; i < p->args.count; i++)
        argv[1 + i] = ((char **)p->args.items)[i];
    return ukern_spawn(m,
                       &(struct ukern_task_params){
                           .size = sizeof(struct ukern_task_params),
                           .name = p->name,
                           .program = p->entry,
                           .cpu = (uint32_t)p->cpu,
                           .stack = (uint64_t)p->stack,
                           .argc = 1 + (int)p->args.count,
                           .argv = argv,
                           .blobs = blobs,
                           .blob_count = p->files.count,
                           .daemon = p->daemon != 0,
                           .expect = p->expect == CONFIG_EXPECT_KILLED ? UKERN_EXPECT_KILLED : UKERN_EXPECT_EXIT,
                           .expect_code = (int)p->code,
                           .floating_point = p->floating_point != 0,
                           .console = p->console_number,
                       },
                       &task);
}

static enum ukern_status spawn_vm(struct ukern *m, const struct config_vm *vm)
{
    const struct config_file *files = vm->modules.items;
    struct ukern_blob modules[MODULES];
    uint32_t task;
    for (size_t i = 0; i < vm->modules.count; i++)
        modules[i] = (struct ukern_blob){ files[i].args, files[i].blob.bytes, files[i].blob.length };
    return ukern_spawn_vm(m,
                          &(struct ukern_vm_params){
                              .size = sizeof(struct ukern_vm_params),
                              .name = vm->name,
                              .cpu = (uint32_t)vm->cpu,
                              .ram = (uint64_t)vm->ram,
                              .format = (enum ukern_guest_format)vm->format,
                              .kernel = { vm->kernel, vm->kernel_blob.bytes, vm->kernel_blob.length },
                              .initrd = { vm->initrd, vm->initrd_blob.bytes, vm->initrd_blob.length },
                              .modules = modules,
                              .module_count = vm->modules.count,
                              .cmdline = vm->cmdline,
                              .console = vm->console_number,
                              .daemon = vm->daemon != 0,
                              .expect_code = (int)vm->code,
                          },
                          &task);
}

static enum ukern_status spawn_vms(struct ukern *m, const struct config_root *root)
{
    const struct config_vm *vms = root->vms.items;
    const char *why = vm_why_not(m);
    if (root->machine.kvm == CONFIG_KVM_REQUIRED && why != NULL && !root->machine.skip_vms)
        return machine_fail(m, UKERN_UNSUPPORTED, "machine.kvm is \"required\", and there is none: %s", why);
    for (size_t i = 0; i < root->vms.count; i++) {
        enum ukern_status st = UKERN_OK;
        if (root->machine.skip_vms)
            machine_log(m, UKERN_LOG_WARNING, "vm \"%s\" is LEFT OUT, as machine.skip_vms asks", vms[i].name);
        else if (why != NULL && vms[i].optional)
            machine_log(m, UKERN_LOG_WARNING,
                        "vm \"%s\" is LEFT OUT: %s; `ukern doctor` says more, `ukern run --lab` has KVM", vms[i].name, why);
        else if (why != NULL)
            st = machine_fail(m, UKERN_UNSUPPORTED, "vm \"%s\" cannot run here: %s; `ukern doctor` says more",
                              vms[i].name, why);
        else
            st = spawn_vm(m, &vms[i]);
        if (st != UKERN_OK)
            return st;
    }
    if (root->vms.count > 0 && why == NULL && !root->machine.skip_vms && !vm_hardware(m))
        machine_log(m, UKERN_LOG_INFO, "this host's KVM interprets supervisor code: small guests run, Linux does not; "
                    "`ukern run --lab` has complete KVM");
    return UKERN_OK;
}

static struct ukern_layer_mode layer_mode(const struct config_root *root, uint32_t i)
{
    static const char *const names[] = { LAYERS_WITH_MODES(LAYER_STRING) NULL };
    static const enum ukern_mode modes[] = { UKERN_MODE_IMPL, UKERN_MODE_BOTH, UKERN_MODE_SPEC };
    return (struct ukern_layer_mode){ names[i], modes[root->layers.mode[i]] };
}

enum ukern_status ukern_config_layer(const struct ukern_config *c, uint32_t n, struct ukern_layer_mode *ret_mode)
{
    if (n >= CONFIG_LAYERS)
        return UKERN_NOTFOUND;
    *ret_mode = layer_mode(&c->reading->root, n);
    return UKERN_OK;
}

static enum ukern_status make(const struct config_root *root, const struct ukern_hooks *hooks,
                              struct ukern **ret_machine)
{
    const struct config_machine *c = &root->machine;
    const struct config_region *regions = c->memory.items;
    struct ukern_region map[REGIONS];
    struct ukern_layer_mode modes[CONFIG_LAYERS + 1];
    for (uint32_t i = 0; i < CONFIG_LAYERS; i++)
        modes[i] = layer_mode(root, i);
    for (size_t i = 0; i < c->memory.count; i++)
        map[i] =
            (struct ukern_region){ (uint64_t)regions[i].start, (uint64_t)regions[i].length, regions[i].usable != 0 };
    return ukern_make(
        &(struct ukern_params){
            .size = sizeof(struct ukern_params),
            .engine = c->engine == CONFIG_ENGINE_SIM ? UKERN_SIM : UKERN_SMP,
            .cpus = (uint32_t)c->cpus,
            .seed = (uint64_t)c->seed,
            .ram = (uint64_t)c->ram,
            .regions = c->memory.count > 0 ? map : NULL,
            .region_count = c->memory.count,
            .max_tasks = (uint32_t)c->max_tasks,
            .max_channels = (uint32_t)c->max_channels,
            .max_vms = (uint32_t)c->max_vms,
            .max_containers = (uint32_t)c->max_containers,
            .frame_policy = c->frames.policy == CONFIG_FRAMES_LOWEST ? UKERN_FRAMES_LOWEST : UKERN_FRAMES_ANY,
            .limits = c->limits == CONFIG_LIMITS_MCERTIKOS ? UKERN_LIMITS_MCERTIKOS : UKERN_LIMITS_OWN,
            .wall_time = (uint64_t)c->wall_time,
            .without_kvm =
                c->kvm == CONFIG_KVM_OFF || c->skip_vms || (root->vms.count == 0 && c->kvm != CONFIG_KVM_REQUIRED),
            .hooks = hooks,
            .layers = modes,
            .layer_count = CONFIG_LAYERS,
            .check_every = (uint32_t)root->layers.check_every,
        },
        ret_machine);
}

enum ukern_status ukern_make_from_config(const struct ukern_config *c, const struct ukern_hooks *hooks,
                                         struct ukern **ret_machine)
{
    const struct config_root *root = &c->reading->root;
    const struct config_process *processes = root->processes.items;
    struct ukern *m;
    enum ukern_status st = make(root, hooks != NULL ? hooks : &c->reading->pool.hooks, &m);
    if (st != UKERN_OK)
        return st;
    for (size_t i = 0; st == UKERN_OK && i < root->processes.count; i++)
        st = spawn_process(m, &processes[i]);
    if (st == UKERN_OK)
        st = spawn_vms(m, root);
    if (st != UKERN_OK)
        ukern_free(m);
    else
        *ret_machine = m;
    return st;
}
