/* SPDX-License-Identifier: BSD-2-Clause */
/* where: file:line of a program counter of this process, from its debugging information. Everything that needs a file is
 * read by where_prepare: later this process may be confined, and open none. */
#include "cli.h"
#ifdef UKERN_CHECK
#include "check.h"
#include <string.h>
#ifdef HAVE_LIBDW
#include <elfutils/libdwfl.h>
#include <unistd.h>

static Dwfl *files; /* of this process's own program and libraries; never freed */

static int read_module(Dwfl_Module *m, void **user, const char *name, Dwarf_Addr start, void *arg)
{
    Dwarf_Addr bias;
    (void)user, (void)name, (void)start, (void)arg;
    (void)dwfl_module_getdwarf(m, &bias);
    return DWARF_CB_OK;
}

void where_prepare(void)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_linux_proc_find_elf, .find_debuginfo = dwfl_standard_find_debuginfo,
    };
    if (files != NULL || (files = dwfl_begin(&callbacks)) == NULL)
        return;
    if (dwfl_linux_proc_report(files, getpid()) != 0 || dwfl_report_end(files, NULL, NULL) != 0) {
        dwfl_end(files);
        files = NULL;
        return;
    }
    /* Lines of the kernel are in the program itself; looking for one reads what later looks need. */
    Dwfl_Module *own = dwfl_addrmodule(files, (Dwarf_Addr)(uintptr_t)&where_prepare);
    if (own != NULL) {
        (void)read_module(own, NULL, NULL, 0, NULL);
        (void)dwfl_module_getsrc(own, (Dwarf_Addr)(uintptr_t)&where_prepare);
    }
}

void where_resolve(const void *pc, char *text, size_t size)
{
    Dwarf_Addr at = (Dwarf_Addr)(uintptr_t)pc - 1; /* the call, not what comes behind it */
    where_prepare();
    Dwfl_Module *m = files != NULL ? dwfl_addrmodule(files, at) : NULL;
    Dwfl_Line *line = m != NULL ? dwfl_module_getsrc(m, at) : NULL;
    const char *function = m != NULL ? dwfl_module_addrname(m, at) : NULL;
    int number = 0;
    const char *file = line != NULL ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
    const char *inside = file != NULL ? strstr(file, "src/") : NULL;
    if (file != NULL)
        (void)snprintf(text, size, "%s %s:%d", function != NULL ? function : "?", inside != NULL ? inside : file, number);
    else
        (void)snprintf(text, size, "%s %p", function != NULL ? function : "?", pc);
}
#else
void where_prepare(void) {}
void where_resolve(const void *pc, char *text, size_t size)
{
    (void)snprintf(text, size, "%p (this program was built without libdw)", pc);
}
#endif

void where_report(struct ukern *m, const char *command)
{
    calculus_set_replay(m, command);
    calculus_set_resolver(m, where_resolve);
}
#else
void where_prepare(void) {}
void where_report(struct ukern *m, const char *command) { (void)m, (void)command; }
#endif
