/* SPDX-License-Identifier: BSD-2-Clause */
/* config_files: see config_files.h. */
#include "config_files.h"
#include "host/file.h"
#include "host/module.h"
#include <inttypes.h>

/* The file of one setting. */
struct wanted {
    const struct config_tree *tree;
    const void *setting;
    const char *label, *name; /* vm "linux" */
    const char *what;         /* "kernel" */
    int64_t limit;
    const char *limit_name;   /* what limits it */
};

static void fetch(const struct wanted *w, const char *path, struct config_blob *ret_blob)
{
    char why[FILE_WHY];
    struct file f;
    if (path == NULL)
        return;
    if (file_open(path, why, &f) != UKERN_OK) {
        config_tree_error(w->tree, w->setting, "%s \"%s\": %s: expected a file that can be read, %s: %s", w->label,
                          w->name, w->what, path, why);
        return;
    }
    if (f.size == 0)
        config_tree_error(w->tree, w->setting, "%s \"%s\": %s: %s is empty", w->label, w->name, w->what, path);
    else if (f.size > (uint64_t)w->limit)
        config_tree_error(w->tree, w->setting, "%s \"%s\": %s: %s has %" PRIu64 " bytes, %s is %" PRId64 "; raise it",
                          w->label, w->name, w->what, path, f.size, w->limit_name, w->limit);
    else if ((ret_blob->bytes = config_pool_take(w->tree->pool, (size_t)f.size)) == NULL)
        config_tree_error(w->tree, w->setting, "%s \"%s\": %s: no memory for %s", w->label, w->name, w->what, path);
    else if (file_read(&f, ret_blob->bytes, why) != UKERN_OK)
        config_tree_error(w->tree, w->setting, "%s \"%s\": %s: %s: %s", w->label, w->name, w->what, path, why);
    ret_blob->length = f.size;
    file_close(&f);
}

static void load_module(const struct config_tree *tree, struct config_process *p)
{
    char why[MODULE_WHY], names[MODULE_WHY];
    unsigned writable = 0;
    const void *at = config_rules_place("process", &p->place, "module");
    if (module_writable(p->module, why, names, sizeof names, &writable) != UKERN_OK) {
        config_tree_error(tree, at, "process \"%s\": module: %s: %s", p->name, p->module, why);
        return;
    }
    if (writable > 0 && !p->shared_data) {
        config_tree_error(tree, at,
                          "process \"%s\": module: %s has writable data, which all tasks and machines would share: "
                          "%s%s; make it const, keep it on the stack, or set shared_data = true",
                          p->name, p->module, names, writable > 8 ? ", ..." : "");
        return;
    }
    enum ukern_status st = module_program(p->module, p->program, why, &p->entry);
    if (st == UKERN_NOTFOUND)
        at = config_rules_place("process", &p->place, "program");
    if (st != UKERN_OK)
        config_tree_error(tree, at, "process \"%s\": %s: %s", p->name, p->module, why);
}

static void process_files(const struct config_tree *tree, const struct config_root *root, struct config_process *p)
{
    struct config_file *files = p->files.items;
    if (p->module != NULL && p->program != NULL)
        load_module(tree, p);
    for (size_t i = 0; i < p->files.count; i++) {
        if (files[i].file == NULL)
            continue;
        const char *slash = strrchr(files[i].file, '/');
        if (files[i].name == NULL)
            files[i].name = config_pool_format(tree->pool, "%.31s", slash != NULL ? slash + 1 : files[i].file);
        fetch(&(struct wanted){ tree, config_rules_place("file", &files[i].place, "file"), "process", p->name, "file",
                                root->machine.ram, "machine.ram" },
              files[i].file, &files[i].blob);
    }
}

static void vm_files(const struct config_tree *tree, struct config_vm *vm)
{
    struct config_file *modules = vm->modules.items;
    struct wanted w = { tree,     config_rules_place("vm", &vm->place, "kernel"), "vm", vm->name, "kernel", vm->ram,
                        "its ram" };
    if (vm->place.faulty)
        w.limit = INT64_MAX;
    fetch(&w, vm->kernel, &vm->kernel_blob);
    w.what = "initrd";
    w.setting = config_rules_place("vm", &vm->place, "initrd");
    fetch(&w, vm->initrd, &vm->initrd_blob);
    w.what = "module";
    for (size_t i = 0; i < vm->modules.count; i++) {
        w.setting = config_rules_place("module", &modules[i].place, "file");
        fetch(&w, modules[i].file, &modules[i].blob);
    }
}

void config_files_read(const struct config_tree *tree, struct config_root *root)
{
    struct config_process *processes = root->processes.items;
    struct config_vm *vms = root->vms.items;
    for (size_t i = 0; i < root->processes.count; i++)
        process_files(tree, root, &processes[i]);
    /* VMs that are left out need no files, so that a machine can be tried without its guests' images. */
    for (size_t i = 0; i < root->vms.count && !root->machine.skip_vms; i++)
        vm_files(tree, &vms[i]);
}
