/* SPDX-License-Identifier: BSD-2-Clause */
/* module: see module.h. What counts as writable: every allocated section with the write flag that the loader does not
 * make read-only again (PT_GNU_RELRO), without the linker's own tables and the few bytes that the compiler's start-up
 * code keeps in every shared object. */
#include "host/module.h"
#include "host/file.h"
#include <dlfcn.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>

struct listing {
    Elf *elf;
    uint64_t relro_start, relro_end;
    char *names;
    size_t room, used;
    unsigned count;
};

static enum ukern_status refuse(enum ukern_status st, char *why, const char *text)
{
    (void)snprintf(why, MODULE_WHY, "%s", text);
    return st;
}

static void list(struct listing *l, const char *name, uint64_t bytes, const char *section)
{
    if (l->count++ < 8 && l->used < l->room) {
        int n = snprintf(l->names + l->used, l->room - l->used, "%s%s (%llu bytes in %s)", l->count > 1 ? ", " : "",
                         name, (unsigned long long)bytes, section);
        l->used += n > 0 ? (size_t)n : 0;
    }
}

static bool of_compiler(const char *name)
{
    return strcmp(name, "__dso_handle") == 0 || strncmp(name, "completed.", 10) == 0 ||
           strcmp(name, "__TMC_END__") == 0 || strcmp(name, "_GLOBAL_OFFSET_TABLE_") == 0 ||
           strcmp(name, "_DYNAMIC") == 0;
}

/* The objects of section `index`. False: the file has no symbols. */
static bool list_symbols(struct listing *l, size_t index, const char *section)
{
    bool symbols = false;
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(l->elf, scn)) != NULL;) {
        GElf_Shdr sh;
        Elf_Data *data = elf_getdata(scn, NULL);
        if (gelf_getshdr(scn, &sh) == NULL || sh.sh_type != SHT_SYMTAB || data == NULL || sh.sh_entsize == 0)
            continue;
        symbols = true;
        for (int i = 0; (uint64_t)i < sh.sh_size / sh.sh_entsize; i++) {
            GElf_Sym sym;
            if (gelf_getsym(data, i, &sym) == NULL || sym.st_shndx != index)
                continue;
            const char *name = elf_strptr(l->elf, sh.sh_link, sym.st_name);
            unsigned type = GELF_ST_TYPE(sym.st_info);
            if (name == NULL || (type != STT_OBJECT && type != STT_TLS && type != STT_COMMON))
                continue;
            if (!of_compiler(name))
                list(l, name, sym.st_size, section);
        }
    }
    return symbols;
}

static bool of_linker(const char *section)
{
    return strncmp(section, ".got", 4) == 0 || strcmp(section, ".dynamic") == 0 ||
           strncmp(section, ".init_array", 11) == 0 || strncmp(section, ".fini_array", 11) == 0 ||
           strcmp(section, ".tm_clone_table") == 0;
}

static void list_section(struct listing *l, Elf_Scn *scn, size_t names)
{
    GElf_Shdr sh;
    if (gelf_getshdr(scn, &sh) == NULL || (sh.sh_flags & (SHF_WRITE | SHF_ALLOC)) != (SHF_WRITE | SHF_ALLOC) ||
        sh.sh_size == 0)
        return;
    bool tls = (sh.sh_flags & SHF_TLS) != 0;
    bool relro =
        !tls && sh.sh_addr >= l->relro_start && sh.sh_addr < l->relro_end && sh.sh_size <= l->relro_end - sh.sh_addr;
    const char *section = elf_strptr(l->elf, names, sh.sh_name);
    if (section == NULL)
        section = "(a section without a name)";
#ifdef UKERN_BUG_MODULE_TLS
    relro = relro || tls;
#endif
    if (relro || of_linker(section))
        return;
    unsigned before = l->count;
    bool symbols = list_symbols(l, elf_ndxscn(scn), section);
    /* The compiler's start-up code keeps at most 8 bytes of .data and 8 of .bss in every shared object. */
    if (!symbols)
        list(l, "unnamed data of a stripped file", sh.sh_size, section);
    else if (l->count == before && sh.sh_size > 8)
        list(l, "unnamed data", sh.sh_size, section);
}

static void find_relro(struct listing *l, size_t segments)
{
    for (size_t i = 0; i < segments; i++) {
        GElf_Phdr ph;
        if (gelf_getphdr(l->elf, (int)i, &ph) != NULL && ph.p_type == PT_GNU_RELRO &&
            ph.p_memsz <= UINT64_MAX - ph.p_vaddr) {
            l->relro_start = ph.p_vaddr;
            l->relro_end = ph.p_vaddr + ph.p_memsz;
        }
    }
}

static enum ukern_status list_all(Elf *elf, char *why, struct listing *l)
{
    GElf_Ehdr eh;
    size_t names, segments;
    l->elf = elf;
    if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &eh) == NULL || eh.e_type != ET_DYN)
        return refuse(UKERN_BADARG, why, "it is no shared object; build it with: gcc -shared -fPIC");
    if (eh.e_machine != EM_X86_64 || gelf_getclass(elf) != ELFCLASS64)
        return refuse(UKERN_BADARG, why, "it is a shared object of another processor; expected x86-64");
    if (elf_getshdrstrndx(elf, &names) != 0 || elf_getphdrnum(elf, &segments) != 0)
        return refuse(UKERN_BADARG, why, "its ELF tables are damaged");
    find_relro(l, segments);
    unsigned sections = 0;
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn)) != NULL; sections++)
        list_section(l, scn, names);
    /* Without section headers nobody can say what is writable. */
    return sections > 0 ? UKERN_OK
                        : refuse(UKERN_BADARG, why, "it has no section headers, so that its data cannot be checked");
}

enum ukern_status module_writable(const char *path, char *why, char *ret_names, size_t room, unsigned *ret_count)
{
    struct file f;
    char file_why[FILE_WHY];
    struct listing l = { .names = ret_names, .room = room };
    enum ukern_status st = file_open(path, file_why, &f);
    if (st != UKERN_OK)
        return refuse(st, why, file_why);
    ret_names[0] = 0;
    if (elf_version(EV_CURRENT) == EV_NONE) {
        file_close(&f);
        return refuse(UKERN_HOST, why, "libelf is too old");
    }
    Elf *elf = elf_begin(f.fd, ELF_C_READ, NULL);
    st = list_all(elf, why, &l);
    (void)elf_end(elf);
    file_close(&f);
    if (st == UKERN_OK)
        *ret_count = l.count;
    return st;
}

enum ukern_status module_program(const char *path, const char *name, char *why, ukern_program **ret_program)
{
    char *real = file_resolve(path); /* without a slash dlopen would search the system's folders */
    if (real == NULL)
        return refuse(UKERN_NOTFOUND, why, "it does not exist");
    void *handle = dlopen(real, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    free(real);
    if (handle == NULL)
        return refuse(UKERN_HOST, why, dlerror());
    void *symbol = dlsym(handle, name);
    (void)dlclose(handle);
    if (symbol == NULL) {
        (void)snprintf(why, MODULE_WHY, "it has no function \"%.100s\" that can be seen from outside", name);
        return UKERN_NOTFOUND;
    }
    memcpy(ret_program, &symbol, sizeof symbol);
    return UKERN_OK;
}
