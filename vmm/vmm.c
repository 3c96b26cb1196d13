/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm: see vmm.h. Set-up, the loop over exits, and how it ends. */
#include "vmm.h"
#include "acpi.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COM1_IRQ = 4 };

static void flush(struct vmm *v)
{
    if (!v->line_used)
        return;
    if (ukern_console_write(0, v->line, v->line_used) != UKERN_OK)
        v->refused = true;
    v->line_open = v->line[v->line_used - 1] != '\n';
    v->line_used = 0;
}

void vmm_say(struct vmm *v, const char *format, ...)
{
    char line[400];
    flush(v);
    int at = snprintf(line, sizeof line, "%svm %s: ", v->line_open ? "\r\n" : "", v->name);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + at, sizeof line - (size_t)at - 1, format, args);
    va_end(args);
    size_t most = sizeof line - (size_t)at - 2, length = (size_t)at + (n < 0 ? 0 : (size_t)n < most ? (size_t)n : most);
    line[length++] = '\n';
    v->line_open = false;
    /* Nobody is left to be told when even this fails. */
    if (ukern_console_write(0, line, length) != UKERN_OK)
        v->refused = true;
}

int vmm_end(struct vmm *v, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(v->why, sizeof v->why, format, args);
    va_end(args);
    vmm_say(v, "ended: %s", v->why);
    return code;
}

/* ---- what the devices reach outside through -------------------------------------------------------------------- */

static void com1_out(void *ctx, const uint8_t *bytes, size_t n)
{
    struct vmm *v = ctx;
    if (v->start->console != 0) {
        if (ukern_console_write(v->start->console, bytes, n) != UKERN_OK)
            v->refused = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        v->line[v->line_used++] = bytes[i];
        if (bytes[i] == '\n' || v->line_used == sizeof v->line)
            flush(v);
    }
}

static void com1_line(void *ctx, bool level)
{
    struct vmm *v = ctx;
    if (ukern_vm_irq(v->vm, COM1_IRQ, level) != UKERN_OK)
        v->refused = true;
}

/* Reading makes this task the one that input wakes, so it is also asked when there is none. */
static void com1_hungry(void *ctx)
{
    struct vmm *v = ctx;
    uint8_t bytes[SERIAL_BUFFER] = { 0 };
    size_t n = 0;
    if (serial_room(&v->board.com1) == 0)
        return;
    enum ukern_status st = ukern_console_read(v->start->console, bytes, serial_room(&v->board.com1), &n);
    if (st == UKERN_BUSY) /* several guests share this console; its keys go to the one that asked first */
        return;
    if (st != UKERN_OK)
        v->refused = true;
    else if (n)
        serial_receive(&v->board.com1, bytes, (uint32_t)n);
}

static uint64_t seconds_now(void *ctx)
{
    struct vmm *v = ctx;
    return v->start->wall_time + ukern_time() / 1000000000;
}

/* ---- set-up ---------------------------------------------------------------------------------------------------- */

static void describe_image(struct vmm *v, struct image *im)
{
    const struct ukern_start *s = v->start;
    bool initrd = strcmp(s->argv[4], "initrd") == 0;
    *im = (struct image){ .bytes = s->blob[0].bytes, .length = s->blob[0].length, .cmdline = s->argv[5], .ram = v->ram_bytes };
    for (uint32_t i = 1; i < s->blob_count; i++) {
        if (initrd) {
            im->initrd = s->blob[i].bytes;
            im->initrd_length = s->blob[i].length;
        } else if (im->modules < PLAN_MODULES) {
            im->module[im->modules].name = s->blob[i].name;
            im->module[im->modules].bytes = s->blob[i].bytes;
            im->module[im->modules++].length = s->blob[i].length;
        }
    }
}

static enum ukern_status map_ram(struct vmm *v)
{
    uint64_t low = v->ram_bytes < PLAN_LOW_END ? v->ram_bytes : PLAN_LOW_END;
    enum ukern_status st = ukern_vm_map(v->vm, 0, v->ram, low);
    if (st == UKERN_OK && v->ram_bytes > PLAN_BIOS)
        st = ukern_vm_map(v->vm, PLAN_BIOS, v->ram + PLAN_BIOS, v->ram_bytes - PLAN_BIOS);
    return st;
}

static enum ukern_status make_vm(struct vmm *v, const struct plan *p)
{
    struct ukern_vm_regs regs = { 0 };
    enum ukern_status st = ukern_vm_create(UKERN_VM_IRQCHIP, &v->vm);
    if (st == UKERN_OK)
        st = map_ram(v);
    if (st == UKERN_OK)
        st = ukern_vm_get_regs(v->vm, &regs);
    if (st != UKERN_OK)
        return st;
    plan_regs(p, &regs);
    return ukern_vm_set_regs(v->vm, &regs);
}

static int set_up(struct vmm *v)
{
    struct image im;
    struct plan p;
    void *ram;
    v->ram_bytes = strtoull(v->start->argv[1], NULL, 10);
    describe_image(v, &im);
    if (!plan_make(&im, (enum ukern_guest_format)atoi(v->start->argv[2]), &p)) {
        vmm_say(v, "%s: %s", v->start->blob[0].name, p.why);
        return vmm_end(v, VMM_BAD_IMAGE, "the image cannot be loaded: %s", v->start->blob[0].name);
    }
    enum ukern_status st = ukern_mem_map(UKERN_MAP_LOW, v->ram_bytes, UKERN_PROT_WRITE, &ram);
    if (st != UKERN_OK)
        return vmm_end(v, VMM_NO_RESOURCES, "no room for %llu KiB of guest RAM (%s): give the machine more ram, or the guest less",
                       (unsigned long long)v->ram_bytes / 1024, ukern_status_name(st));
    v->ram = ram;
    if (v->interpreted && (p.mode == PLAN_LINUX_64 || p.mode == PLAN_LINUX_32))
        vmm_say(v, "this host's KVM interprets supervisor code (no VMX, no SVM): Linux takes minutes to start, and may meet an instruction "
                   "that is not known; `ukern run --lab` runs it in the lab");
    plan_apply(&p, &im, v->ram);
    if (v->ram_bytes >= PLAN_HIGH)
        acpi_write(v->ram);
    st = make_vm(v, &p);
    if (st != UKERN_OK)
        return vmm_end(v, VMM_NO_RESOURCES, "the VM cannot be made: %s", ukern_status_name(st));
    board_init(&v->board, v->ram_bytes, v, seconds_now);
    serial_init(&v->board.com1, v, com1_out, com1_line, com1_hungry);
    com1_hungry(v);
    return 0;
}

/* ---- the loop over exits --------------------------------------------------------------------------------------- */

static int end_by_board(struct vmm *v)
{
    switch (v->board.end) {
    case BOARD_DEBUG_EXIT: return vmm_end(v, v->board.exit_code, "debug-exit port, code %u", v->board.exit_code);
    case BOARD_RESET: return vmm_end(v, 0, "reset by %s", v->board.reset_by);
    case BOARD_POWER_OFF:
    case BOARD_RUNS: break;
    }
    return vmm_end(v, 0, "powered off");
}

/* -1: the guest goes on. */
static int handle(struct vmm *v, struct ukern_vm_exit *x)
{
    struct ukern_vm_regs r = { 0 };
    switch (x->kind) {
    case UKERN_EXIT_IO:
        board_io(&v->board, x);
        return v->board.end == BOARD_RUNS ? -1 : end_by_board(v);
    case UKERN_EXIT_MMIO: /* nothing lives there */
        if (!x->write)
            memset(x->data, 0xff, sizeof x->data);
        return -1;
    case UKERN_EXIT_RECALL:
        flush(v);
        com1_hungry(v);
        return -1;
    case UKERN_EXIT_HLT:
        if (ukern_vm_get_regs(v->vm, &r) == UKERN_OK && r.rflags & 1 << 9)
            return -1;
        return vmm_end(v, 0, "halted for ever (interrupts off)");
    case UKERN_EXIT_HALTED: return vmm_end(v, 0, "halted for ever (interrupts off)");
    case UKERN_EXIT_SHUTDOWN: vmm_report(v, x); return vmm_end(v, VMM_TRIPLE_FAULT, "triple fault");
    default: vmm_report(v, x); return vmm_end(v, VMM_UNHANDLED, "an exit that nobody handles (%s)", ukern_exit_name((enum ukern_vm_exit_kind)x->kind));
    }
}

static int run(struct vmm *v)
{
    struct ukern_vm_exit x = { 0 };
    int code = set_up(v);
    if (code)
        return code;
    do {
        enum ukern_status st = ukern_vm_run(v->vm, &x);
        if (st != UKERN_OK)
            return vmm_end(v, VMM_NO_RESOURCES, "the guest cannot be run: %s", ukern_status_name(st));
        code = handle(v, &x);
    } while (code < 0 && !v->refused);
    return code >= 0 ? code : vmm_end(v, VMM_NO_RESOURCES, "the kernel refused a call of one of its devices");
}

int vmm_program(const struct ukern_start *start)
{
    struct vmm v = { .start = start, .name = start->argc > 0 ? start->argv[0] : "?" };
    int code;
    if (start->argc < 6 || start->blob_count < 1) {
        code = vmm_end(&v, VMM_NO_RESOURCES, "6 arguments and an image are needed; %d and %u came", start->argc, start->blob_count);
    } else {
        v.interpreted = strcmp(start->argv[3], "interpreted") == 0;
        code = run(&v);
    }
    ukern_exit_because(code, v.why);
}
