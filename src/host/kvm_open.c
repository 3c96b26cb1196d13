/* SPDX-License-Identifier: BSD-2-Clause */
/* kvm, first part: opening /dev/kvm, what it must be able to do, and the CPUID that guests get. */
#include "host/kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CPUID_ENTRIES = 256 };

static bool host_has(int fd, long capability) { return ioctl(fd, KVM_CHECK_EXTENSION, capability) > 0; }

static const char *missing_capability(int fd)
{
    static const struct { long number; const char *name; } needed[] = {
        { KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },       { KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
        { KVM_CAP_PIT2, "KVM_CAP_PIT2" },                     { KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
        { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" }, { KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
        { KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
    };
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        if (!host_has(fd, needed[i].number))
            return needed[i].name;
    int sync = ioctl(fd, KVM_CHECK_EXTENSION, (long)KVM_CAP_SYNC_REGS);
    if (sync < 0 || (sync & KVM_SYNC_X86_VALID_FIELDS) != KVM_SYNC_X86_VALID_FIELDS)
        return "KVM_CAP_SYNC_REGS";
    return NULL;
}

static struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *c, uint32_t function, uint32_t index)
{
    for (uint32_t i = 0; i < c->nent; i++)
        if (c->entries[i].function == function && c->entries[i].index == index)
            return &c->entries[i];
    return NULL;
}

static void cpuid_put(struct kvm_cpuid2 *c, uint32_t function, uint32_t index, uint32_t flags, const uint32_t abcd[4])
{
    struct kvm_cpuid_entry2 *e = cpuid_find(c, function, index);
    if (!e && c->nent < CPUID_ENTRIES)
        e = &c->entries[c->nent++];
    if (e)
        *e = (struct kvm_cpuid_entry2){ .function = function, .index = index, .flags = flags, .eax = abcd[0],
                                        .ebx = abcd[1], .ecx = abcd[2], .edx = abcd[3] };
}

/* One package, one core, one thread, APIC id 0. */
static void cpuid_topology(struct kvm_cpuid2 *c)
{
    static const uint32_t smt[4] = { 0, 1, 0x100, 0 }, core[4] = { 0, 1, 0x201, 0 }, none[4] = { 0 };
    struct kvm_cpuid_entry2 *basic = cpuid_find(c, 0, 0), *one = cpuid_find(c, 1, 0), *e;
    if (one) {
        one->ebx = (one->ebx & 0xffff) | 1u << 16;
        one->edx &= ~(1u << 28);
        one->ecx |= 1u << 31; /* a hypervisor is there */
    }
    if (basic && basic->eax >= 0xb) {
        cpuid_put(c, 0xb, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, smt);
        cpuid_put(c, 0xb, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, core);
    }
    for (uint32_t i = 0; (e = cpuid_find(c, 4, i)) != NULL; i++)
        e->eax &= 0x3fff; /* threads that share this cache, and cores: 1 */
    for (uint32_t i = 0; (e = cpuid_find(c, 0x8000001d, i)) != NULL; i++)
        e->eax &= 0x3fff;
    if ((e = cpuid_find(c, 0x80000008, 0)) != NULL)
        e->ecx = 0;
    if ((e = cpuid_find(c, 0x8000001e, 0)) != NULL)
        cpuid_put(c, 0x8000001e, 0, 0, none);
    if ((e = cpuid_find(c, 0x1f, 0)) != NULL)
        cpuid_put(c, 0x1f, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, none);
    if ((e = cpuid_find(c, 0x80000001, 0)) != NULL)
        e->ecx &= ~(1u << 1 | 1u << 22); /* CmpLegacy, TopoExt */
}

/* Leaf 0x40000000 names ukern. KVM's own paravirtual leaves move up by 0x100, where Linux looks for them next. */
static void cpuid_signature(struct kvm_cpuid2 *c)
{
    static const char name[12] = "ukern";
    struct kvm_cpuid_entry2 *kvm = cpuid_find(c, 0x40000000, 0), *features = cpuid_find(c, 0x40000001, 0);
    if (kvm && features) {
        kvm->function = 0x40000100;
        kvm->eax = 0x40000101;
        features->function = 0x40000101;
    }
    uint32_t abcd[4] = { 0x40000000 };
    memcpy(&abcd[1], name, sizeof name);
    cpuid_put(c, 0x40000000, 0, 0, abcd);
}

/* APIC features are there only when KVM has the controllers. */
static void cpuid_chips(struct kvm_cpuid2 *c, bool irqchip, bool tsc_deadline)
{
    struct kvm_cpuid_entry2 *one = cpuid_find(c, 1, 0);
    if (one && !irqchip) {
        one->edx &= ~(1u << 9);
        one->ecx &= ~(1u << 21);
    } else if (one && tsc_deadline) {
        one->ecx |= 1u << 24;
    }
}

static bool host_cpuid(struct ukern *m, struct kvm_host *h)
{
    size_t bytes = sizeof *h->cpuid[0] + CPUID_ENTRIES * sizeof h->cpuid[0]->entries[0];
    bool tsc_deadline = host_has(h->fd, KVM_CAP_TSC_DEADLINE_TIMER);
    for (int irqchip = 0; irqchip < 2; irqchip++) {
        struct kvm_cpuid2 *c = h->cpuid[irqchip] = arena_take(&m->arena, bytes, 64);
        if (!c)
            return false;
        c->nent = CPUID_ENTRIES - 4; /* room for the leaves that are added */
        if (ioctl(h->fd, KVM_GET_SUPPORTED_CPUID, c) < 0)
            return false;
        cpuid_signature(c);
        cpuid_topology(c);
        cpuid_chips(c, irqchip, tsc_deadline);
    }
    return true;
}

/* As Linux sees it, and not by CPUID, which valgrind answers for a CPU of its own. */
static bool cpu_has_virtualization(void)
{
    char text[8192];
    int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true; /* nothing is known: nothing is claimed */
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    char *flags = strstr(text, "\nflags"), *end = flags ? strchr(flags + 1, '\n') : NULL;
    if (end)
        memcpy(end, " ", 2); /* the first CPU's will do */
    return flags && (strstr(flags, " vmx ") || strstr(flags, " svm "));
}

static void host_refuse(struct kvm_host *h, const char *what, const char *detail)
{
    snprintf(h->why, sizeof h->why, "%s%s", what, detail);
    if (h->fd >= 0)
        close(h->fd);
    h->fd = -1;
}

void kvm_open(struct ukern *m, struct kvm_host *ret_host)
{
    struct kvm_host *h = ret_host;
    *h = (struct kvm_host){ .fd = -1 };
    if (m->params.without_kvm) {
        host_refuse(h, "the machine was made without_kvm", "");
        return;
    }
    h->fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (h->fd < 0) {
        host_refuse(h, errno == EACCES ? "no permission to open /dev/kvm (join the group kvm): " : "/dev/kvm cannot be opened: ",
                    strerrordesc_np(errno));
        return;
    }
    int run_bytes = ioctl(h->fd, KVM_GET_VCPU_MMAP_SIZE, 0), slots = ioctl(h->fd, KVM_CHECK_EXTENSION, (long)KVM_CAP_NR_MEMSLOTS);
    const char *missing;
    if (ioctl(h->fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
        host_refuse(h, "/dev/kvm does not speak API version 12", "");
    else if ((missing = missing_capability(h->fd)) != NULL)
        host_refuse(h, "this host's KVM lacks ", missing);
    else if (run_bytes < (int)sizeof(struct kvm_run) || !host_cpuid(m, h))
        host_refuse(h, "this host's KVM does not report its CPUID or run page", "");
    else {
        h->run_bytes = (uint32_t)run_bytes;
        h->slots = slots > 32 ? (uint32_t)slots : 32;
        h->hardware = cpu_has_virtualization();
    }
}

void kvm_close(struct kvm_host *h)
{
    if (h->fd >= 0)
        close(h->fd);
    h->fd = -1;
}
