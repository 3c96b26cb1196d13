/* SPDX-License-Identifier: BSD-2-Clause */
/* config_rules: see config_rules.h. */
#include "config_rules.h"
#include "console.h"
#include "core/lib.h"
#include "programs.h"
#include <inttypes.h>

#define PROCESSES(root) ((struct config_process *)(root)->processes.items)
#define NO_NAME "?" /* of a task whose name could not be read */
#define VMS(root) ((struct config_vm *)(root)->vms.items)

const void *config_rules_place(const char *group, const struct config_place *place, const char *name)
{
    const struct config_group *g = config_schema_group(group);
    const struct config_key *k = config_schema_find(g, name);
    const void *key = place->keys[k - g->keys];
    return key != NULL ? key : place->setting;
}

/* The line of another setting, for "as in line 7". */
static unsigned line_of(const struct config_tree *tree, const void *setting)
{
    unsigned line = setting != NULL ? config_setting_source_line((const config_setting_t *)setting) : 0;
    return line >= 1 && line <= tree->text->line_count ? tree->text->lines[line - 1].line : 0;
}

/* ---- the machine ---- */

static void check_region(const struct config_tree *tree, const struct config_machine *m, size_t i, int64_t *usable)
{
    const struct config_region *regions = m->memory.items, *r = &regions[i];
    if (r->start > m->ram || r->length > m->ram - r->start) {
        config_tree_error(tree, r->place.setting,
                          "machine.memory[%zu]: expected a region inside the memory of %" PRId64 " bytes, got %" PRId64
                          " bytes from %" PRId64 "; shorten it or raise machine.ram",
                          i, m->ram, r->length, r->start);
        return;
    }
#ifdef UKERN_BUG_CONFIG_OVERLAP
    i = 0;
#endif
    for (size_t j = 0; j < i; j++)
        if (r->start < regions[j].start + regions[j].length && regions[j].start < r->start + r->length)
            config_tree_error(tree, r->place.setting,
                              "machine.memory[%zu]: overlaps region %zu of line %u; regions must be apart", i, j,
                              line_of(tree, regions[j].place.setting));
    if (r->usable)
        *usable += r->length;
}

/* The usable bytes. */
static int64_t check_machine(const struct config_tree *tree, const struct config_machine *m)
{
    int64_t usable = 0;
    unsigned before = tree->pool->errors;
    for (size_t i = 0; i < m->memory.count; i++)
        check_region(tree, m, i, &usable);
    if (m->memory.count == 0)
        return m->ram;
    if (usable == 0 && tree->pool->errors == before)
        config_tree_error(tree, config_rules_place("machine", &m->place, "memory"),
                          "machine.memory: no region is usable; expected at least one");
    return usable;
}

/* What is not named has the mode of all. */
static void spread_modes(struct config_layers *l)
{
    const struct config_group *g = config_schema_group("layers");
    for (size_t i = 0; i < g->key_count; i++) {
        char *at = (char *)l + g->keys[i].offset;
        if (at >= (char *)l->mode && l->place.keys[i] == NULL)
            memcpy(at, &l->all, sizeof l->all);
    }
}

/* ---- tasks ---- */

static void check_cpu(const struct config_tree *tree, const struct config_root *root, const char *group,
                      const struct config_place *place, const char *name, int64_t cpu)
{
    int64_t cpus = root->machine.cpus;
    if (cpu < cpus || root->machine.place.faulty)
        return;
    if (cpus == 1)
        config_tree_error(tree, config_rules_place(group, place, "cpu"),
                          "%s \"%s\": cpu: expected 0, got %" PRId64 "; machine.cpus is 1", group, name, cpu);
    else
        config_tree_error(tree, config_rules_place(group, place, "cpu"),
                          "%s \"%s\": cpu: expected 0 to %" PRId64 ", got %" PRId64 "; machine.cpus is %" PRId64, group,
                          name, cpus - 1, cpu, cpus);
}

static void suggest_program(const struct config_tree *tree, const struct config_process *p)
{
    const char *alike = NULL;
    unsigned best = 3;
    const struct program *program;
    for (size_t i = 0; (program = programs_at(i)) != NULL; i++) {
        unsigned d = config_schema_nearer(p->program, program->name);
        if (d < best) {
            best = d;
            alike = program->name;
        }
    }
    config_tree_error(tree, config_rules_place("process", &p->place, "program"),
                      "process \"%s\": program: there is no built-in program \"%s\"%s%s%s; a program of a shared "
                      "object needs the setting module",
                      p->name, p->program, alike != NULL ? "; did you mean \"" : "", alike != NULL ? alike : "",
                      alike != NULL ? "\"?" : "");
}

static void check_process(const struct config_tree *tree, const struct config_root *root, struct config_process *p)
{
    check_cpu(tree, root, "process", &p->place, p->name, p->cpu);
    if (p->module == NULL && p->program != NULL) {
        const struct program *program = programs_find(p->program);
        p->entry = program != NULL ? program->run : NULL;
        if (program == NULL)
            suggest_program(tree, p);
        if (p->shared_data)
            config_tree_error(tree, config_rules_place("process", &p->place, "shared_data"),
                              "process \"%s\": shared_data is for a module, and there is none; remove it", p->name);
    }
    if (p->expect == CONFIG_EXPECT_KILLED && p->code != 0)
        config_tree_error(
            tree, config_rules_place("process", &p->place, "code"),
            "process \"%s\": code: a task that is killed has no exit code; remove code, or expect = \"exit\"", p->name);
}

static void check_vm(const struct config_tree *tree, const struct config_root *root, const struct config_vm *vm)
{
    enum { AUTO, FLAT, MULTIBOOT, LINUX };
    check_cpu(tree, root, "vm", &vm->place, vm->name, vm->cpu);
    if (vm->initrd != NULL && vm->format != AUTO && vm->format != LINUX)
        config_tree_error(tree, config_rules_place("vm", &vm->place, "initrd"),
                          "vm \"%s\": initrd: only a Linux kernel takes one; remove it", vm->name);
    if (vm->modules.count > 0 && vm->format != AUTO && vm->format != MULTIBOOT)
        config_tree_error(tree, config_rules_place("vm", &vm->place, "modules"),
                          "vm \"%s\": modules: only a multiboot kernel takes them; remove them", vm->name);
}

/* ---- the whole ---- */

static const char *task_name(const struct config_root *root, size_t i, const struct config_place **ret_place,
                             const char **ret_group)
{
    bool vm = i >= root->processes.count;
    *ret_group = vm ? "vm" : "process";
    *ret_place = vm ? &VMS(root)[i - root->processes.count].place : &PROCESSES(root)[i].place;
    return vm ? VMS(root)[i - root->processes.count].name : PROCESSES(root)[i].name;
}

static void check_names(const struct config_tree *tree, const struct config_root *root)
{
    const struct config_place *a, *b;
    const char *a_group, *b_group;
    bool unnamed;
    for (size_t i = 0; i < root->processes.count + root->vms.count; i++) {
        const char *name = task_name(root, i, &a, &a_group);
        unnamed = strcmp(name, NO_NAME) == 0;
        for (size_t j = 0; j < i && !unnamed; j++)
            if (strcmp(name, task_name(root, j, &b, &b_group)) == 0) {
                const void *at = config_rules_place(b_group, b, "name");
                config_tree_error(tree, config_rules_place(a_group, a, "name"),
                                  "%s \"%s\": the name is taken in line %u; names must differ: add  name = \"...\";",
                                  a_group, name, line_of(tree, at));
                break;
            }
    }
}

static void check_sum(const struct config_tree *tree, const struct config_root *root, int64_t usable)
{
    int64_t sum = 0;
    if (root->machine.place.faulty)
        return;
    for (size_t i = 0; i < root->vms.count; i++) {
        const struct config_vm *vm = &VMS(root)[i];
        if (vm->ram >= usable)
            config_tree_error(tree, config_rules_place("vm", &vm->place, "ram"),
                              "vm \"%s\": ram: expected less than the machine's usable memory of %" PRId64
                              " bytes, got %" PRId64 "; the guest's memory is taken from it: raise machine.ram",
                              vm->name, usable, vm->ram);
        else if ((sum += vm->ram) >= usable)
            config_tree_error(tree, config_rules_place("vm", &vm->place, "ram"),
                              "vm \"%s\": ram: this and the VMs before it need %" PRId64
                              " bytes, the machine has %" PRId64 " usable; raise machine.ram",
                              vm->name, sum, usable);
    }
    for (size_t i = 0; i < root->processes.count; i++) {
        const struct config_process *p = &PROCESSES(root)[i];
        if ((sum += p->stack) >= usable) {
            config_tree_error(tree, config_rules_place("process", &p->place, "stack"),
                              "process \"%s\": stack: with this one VMs and stacks need %" PRId64
                              " bytes, the machine has %" PRId64 " usable; raise machine.ram",
                              p->name, sum, usable);
            return;
        }
    }
}

static void check_counts(const struct config_tree *tree, const struct config_root *root)
{
    size_t tasks = root->processes.count + root->vms.count;
    if (tasks == 0 && !root->place.faulty)
        config_tree_error(tree, NULL,
                          "there is nothing to run: expected at least one process or VM, as in  processes = ( { "
                          "program = \"ping\"; } );");
    if ((int64_t)tasks > root->machine.max_tasks)
        config_tree_error(tree, config_rules_place("machine", &root->machine.place, "max_tasks"),
                          "machine.max_tasks is %" PRId64 ", processes and VMs are %zu; raise it",
                          root->machine.max_tasks, tasks);
    if ((int64_t)root->vms.count > root->machine.max_vms)
        config_tree_error(tree, config_rules_place("machine", &root->machine.place, "max_vms"),
                          "machine.max_vms is %" PRId64 ", VMs are %zu; raise it", root->machine.max_vms,
                          root->vms.count);
}

void config_rules_check(const struct config_tree *tree, struct config_root *root)
{
    for (size_t i = 0; i < root->processes.count; i++) {
        struct config_process *p = &PROCESSES(root)[i];
        if (p->name == NULL)
            p->name = config_pool_format(tree->pool, "%.31s", p->program != NULL ? p->program : NO_NAME);
        if (p->console == NULL)
            p->console = config_pool_format(tree->pool, "console");
    }
    for (size_t i = 0; i < root->vms.count; i++) {
        struct config_vm *vm = &VMS(root)[i];
        if (vm->name == NULL)
            vm->name = config_pool_format(tree->pool, NO_NAME);
        if (vm->serial == NULL)
            vm->serial = config_pool_format(tree->pool, "console");
    }
    if (tree->pool->out_of_memory)
        return;
    spread_modes(&root->layers);
    int64_t usable = root->machine.place.faulty ? root->machine.ram : check_machine(tree, &root->machine);
    check_counts(tree, root);
    check_names(tree, root);
    for (size_t i = 0; i < root->processes.count; i++)
        check_process(tree, root, &PROCESSES(root)[i]);
    for (size_t i = 0; i < root->vms.count; i++)
        check_vm(tree, root, &VMS(root)[i]);
    check_sum(tree, root, usable);
}

/* ---- consoles ---- */

static uint32_t number_console(const struct config_tree *tree, struct config_list *list,
                               const struct config_console *wanted)
{
    struct config_console *all = list->items;
    if (strcmp(wanted->output, "console") == 0)
        return 0;
    for (size_t i = 1; i < list->count; i++)
        if (strcmp(wanted->output, "null") != 0 && strcmp(all[i].output, wanted->output) == 0)
            config_tree_error(tree, wanted->setting, "%s: \"%s\" belongs to \"%s\" already (line %u); %s",
                              wanted->owner, wanted->output, all[i].owner, line_of(tree, all[i].setting),
                              strcmp(wanted->output, "stdio") == 0 ? "only one can have the terminal's input"
                                                                   : "each needs a file of its own");
    if (list->count == CONSOLES)
        config_tree_error(tree, wanted->setting, "%s: more than %d consoles; let some share \"console\"", wanted->owner,
                          CONSOLES);
    all[list->count] = *wanted;
    return (uint32_t)list->count++;
}

void config_rules_consoles(const struct config_tree *tree, struct config_root *root, struct config_list *ret_list)
{
    struct config_list list = { .count = 1 };
    list.items =
        config_pool_take(tree->pool, (1 + root->processes.count + root->vms.count) * sizeof(struct config_console));
    if (list.items == NULL)
        return;
    *(struct config_console *)list.items = (struct config_console){ .output = "console", .owner = root->machine.name };
    for (size_t i = 0; i < root->processes.count; i++) {
        struct config_process *p = &PROCESSES(root)[i];
        p->console_number =
            number_console(tree, &list,
                           &(struct config_console){ p->console, p->name,
                                                     config_rules_place("process", &p->place, "console"), false });
    }
    for (size_t i = 0; i < root->vms.count; i++) {
        struct config_vm *vm = &VMS(root)[i];
        vm->console_number = number_console(
            tree, &list,
            &(struct config_console){ vm->serial, vm->name, config_rules_place("vm", &vm->place, "serial"), true });
    }
    *ret_list = list;
}
