/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor_kvm: /dev/kvm: whether it opens and what it offers. */
#include "doctor.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <pwd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct capability {
    const char *name;
    int number;
    bool needed;
} capabilities[] = {
    { "KVM_CAP_USER_MEMORY", KVM_CAP_USER_MEMORY, true },
    { "KVM_CAP_NR_MEMSLOTS", KVM_CAP_NR_MEMSLOTS, false },
    { "KVM_CAP_IMMEDIATE_EXIT", KVM_CAP_IMMEDIATE_EXIT, true },
    { "KVM_CAP_SYNC_REGS", KVM_CAP_SYNC_REGS, true },
    { "KVM_CAP_IRQCHIP", KVM_CAP_IRQCHIP, true },
    { "KVM_CAP_PIT2", KVM_CAP_PIT2, true },
    { "KVM_CAP_SET_TSS_ADDR", KVM_CAP_SET_TSS_ADDR, false },
    { "KVM_CAP_SET_IDENTITY_MAP_ADDR", KVM_CAP_SET_IDENTITY_MAP_ADDR, false },
    { "KVM_CAP_EXT_CPUID", KVM_CAP_EXT_CPUID, true },
    { "KVM_CAP_MP_STATE", KVM_CAP_MP_STATE, false },
    { "KVM_CAP_VCPU_EVENTS", KVM_CAP_VCPU_EVENTS, false },
    { "KVM_CAP_DEBUGREGS", KVM_CAP_DEBUGREGS, false },
    { "KVM_CAP_XSAVE", KVM_CAP_XSAVE, false },
    { "KVM_CAP_XCRS", KVM_CAP_XCRS, false },
    { "KVM_CAP_TSC_CONTROL", KVM_CAP_TSC_CONTROL, false },
    { "KVM_CAP_TSC_DEADLINE_TIMER", KVM_CAP_TSC_DEADLINE_TIMER, false },
    { "KVM_CAP_READONLY_MEM", KVM_CAP_READONLY_MEM, false },
    { "KVM_CAP_IOEVENTFD", KVM_CAP_IOEVENTFD, false },
    { "KVM_CAP_IRQFD", KVM_CAP_IRQFD, false },
    { "KVM_CAP_NR_VCPUS", KVM_CAP_NR_VCPUS, false },
    { "KVM_CAP_MAX_VCPUS", KVM_CAP_MAX_VCPUS, false },
    { "KVM_CAP_SET_GUEST_DEBUG", KVM_CAP_SET_GUEST_DEBUG, false },
    { "KVM_CAP_X86_DISABLE_EXITS", KVM_CAP_X86_DISABLE_EXITS, false },
    { "KVM_CAP_NESTED_STATE", KVM_CAP_NESTED_STATE, false },
};

static void look_at_capabilities(struct findings *f, int kvm)
{
    for (size_t i = 0; i < sizeof capabilities / sizeof capabilities[0]; i++) {
        const struct capability *c = &capabilities[i];
        int value = ioctl(kvm, KVM_CHECK_EXTENSION, c->number);
        if (value > 0) {
            doctor_add(f, "KVM", c->name, FINDING_GOOD, NULL, "%d", value);
        } else {
            doctor_add(f, "KVM", c->name, c->needed ? FINDING_BAD : FINDING_FACT,
                       c->needed ? "guests need it: use a newer kernel on this host, or the lab" : NULL, "%d%s", value,
                       c->needed ? ", needed" : "");
            f->guests = f->guests && !c->needed;
        }
    }
}

/* The line that gives this user the right; a group that owns more than KVM is nobody's to join. */
static void advise_permission(struct findings *f, const char *problem)
{
    struct stat st;
    char advice[400];
    const struct passwd *user = getpwuid(geteuid());
    const char *name = user != NULL ? user->pw_name : "$USER";
    const struct group *group = stat("/dev/kvm", &st) == 0 ? getgrgid(st.st_gid) : NULL;
    if (group != NULL && st.st_gid != 0 && (st.st_mode & 060) == 060)
        (void)snprintf(advice, sizeof advice,
                       "sudo usermod -aG %s %s   (then log in again; until then: sudo setfacl -m u:%s:rw /dev/kvm)",
                       group->gr_name, name, name);
    else
        (void)snprintf(advice, sizeof advice,
                       "sudo setfacl -m u:%s:rw /dev/kvm   (for good: a udev rule with GROUP=\"kvm\", MODE=\"0660\", "
                       "and sudo usermod -aG kvm %s)",
                       name, name);
    doctor_add(f, "KVM", "/dev/kvm", FINDING_BAD, advice, "%s (owner %u, group %s, mode %03o)", problem, st.st_uid,
               group != NULL ? group->gr_name : "?", (unsigned)st.st_mode & 0777u);
}

static void advise_open(struct findings *f, int error)
{
    static const char none[] = "load it: sudo modprobe kvm_intel (or kvm_amd); in a container, start it with --device "
                               "/dev/kvm; in a virtual machine, let its host "
                               "offer nested virtualization; or use the lab: ukern run --lab";
    if (error == EACCES || error == EPERM)
        advise_permission(f, strerror(error));
    else
        doctor_add(f, "KVM", "/dev/kvm", FINDING_BAD,
                   error == ENOENT || error == ENODEV || error == ENXIO
                       ? none
                       : "see the kernel's log: sudo dmesg | grep -i kvm",
                   "%s", strerror(error));
}

void doctor_kvm(struct findings *f)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) {
        advise_open(f, errno);
        return;
    }
    doctor_add(f, "KVM", "/dev/kvm", FINDING_GOOD, NULL, "opens");
    int version = ioctl(kvm, KVM_GET_API_VERSION, 0);
    f->guests = version == KVM_API_VERSION;
    doctor_add(f, "KVM", "API version", f->guests ? FINDING_GOOD : FINDING_BAD,
               f->guests ? NULL : "this is no KVM that can be used: a kernel after 2007 is needed", "%d, expected %d",
               version, KVM_API_VERSION);
    if (f->guests) {
        look_at_capabilities(f, kvm);
        doctor_speed(f, kvm);
    }
    (void)close(kvm);
}
