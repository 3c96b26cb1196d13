/* SPDX-License-Identifier: BSD-2-Clause */
/* ukern/user.h: what a hosted task sees: its start page, the kernel's calls, and a small user library.
 *
 * For       programs that run as tasks of a machine: `int program(const struct ukern_start *start)`.
 * Memory    a task's space is a window of UKERN_WINDOW bytes of host addresses, aligned to its size. User address u is
 *           at window + u, so ordinary pointers to the stack or to mapped memory work; these functions subtract the
 *           window's base. The kernel never follows a pointer of the task: it walks the space's page tables. A pointer
 *           outside the window (a static variable, a string literal, a host pointer) is an unmapped address, and
 *           handing one to the kernel ends the task.
 * Calls     are listed once, in UKERN_CALLS. All may be made only from a task; elsewhere they answer UKERN_NOTFOUND. */
#pragma once
#include <ukern/ukern.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default) /* the library is built with everything else hidden */
#endif

#define UKERN_WINDOW (UINT64_C(1) << 32)
#define UKERN_BLOBS_MAX 16u

/* number, arguments, what it does. Results: status, and one value. */
#define UKERN_CALLS(X)                                                                                  \
    X(yield,         0, "let the next ready task of this CPU run")                                      \
    X(exit,          3, "(code, va, n) end this task; the n bytes at va, if any, say why")               \
    X(sleep,         1, "(ns) wait that long; TIMEOUT never, ABORTED never")                            \
    X(wait,          1, "(ns) until somebody wakes this task (a wake-up before is kept), at most ns; 0: for ever; TIMEOUT") \
    X(wake,          1, "(task) wake it; NOTFOUND when it has ended")                                   \
    X(time,          0, "value: machine time in ns")                                                    \
    X(console_write, 3, "(console, va, n) value: bytes written")                                        \
    X(console_read,  3, "(console, va, n) value: bytes read, 0 when there are none; the caller becomes the reader that input wakes") \
    X(mem_map,       3, "(va, n, prot) fresh zeroed pages at va; EXISTS, NOMEM")                        \
    X(mem_unmap,     2, "(va, n) NOTFOUND when one of them is not mapped, and then none is unmapped")   \
    X(chan_send,     4, "(channel, va, n, ns) waits until a receiver took it; value: bytes taken")      \
    X(chan_recv,     4, "(channel, va, n, ns) waits for a sender; value: bytes received, at most min(n, sent)") \
    X(vm_create,     1, "(flags) value: vm; UNSUPPORTED, NOMEM")                                        \
    X(vm_map,        4, "(vm, gpa, va, n) the caller's pages at va become guest memory at gpa")         \
    X(vm_run,        2, "(vm, va of struct ukern_vm_exit) answers the last exit, runs to the next")     \
    X(vm_get_regs,   2, "(vm, va of struct ukern_vm_regs)")                                             \
    X(vm_set_regs,   2, "(vm, va of struct ukern_vm_regs)")                                             \
    X(vm_irq,        3, "(vm, line, level) line 0..23 of the guest's interrupt controllers")            \
    X(vm_destroy,    1, "(vm)")

enum ukern_call {
#define UKERN_CALL_ENUM(name, argc, text) UKERN_CALL_##name,
    UKERN_CALLS(UKERN_CALL_ENUM)
#undef UKERN_CALL_ENUM
    UKERN_CALL_COUNT
};

struct ukern_result {
    uint64_t status; /* enum ukern_status */
    uint64_t value;
};

/* The one entry into the kernel. Arguments are numbers and user addresses. */
struct ukern_result ukern_trap(uint64_t call, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);

/* What a program is given; lies in its space, readable. */
struct ukern_start {
    size_t size;
    uint32_t task, cpu, cpus, console;
    uint64_t wall_time; /* seconds since 1970 at machine time 0 */
    int argc;
    const char *const *argv;
    struct {
        const char *name;
        const void *bytes;
        uint64_t length;
    } blob[UKERN_BLOBS_MAX];
    uint32_t blob_count;
};

/* User address of an object of this task: the window is found from the stack, which always lies in it. */
static inline uint64_t ukern_user_address(const volatile void *p)
{
    uint64_t window = (uint64_t)__builtin_frame_address(0) & ~(UKERN_WINDOW - 1);
    return (uint64_t)p - window;
}
/* The object at a user address of this task. */
static inline void *ukern_user_pointer(uint64_t va)
{
    return (void *)(((uint64_t)__builtin_frame_address(0) & ~(UKERN_WINDOW - 1)) + va);
}

enum { UKERN_PROT_READ = 0, UKERN_PROT_WRITE = 1 };
/* Free for the task's own mappings: [UKERN_MAP_LOW, UKERN_MAP_HIGH). */
#define UKERN_MAP_LOW UINT64_C(0x40000000)
#define UKERN_MAP_HIGH UINT64_C(0xe0000000)

/* ---- virtual machines ---- */
enum { UKERN_VM_IRQCHIP = 1 }; /* vm_create: PIC, PIT, I/O APIC, local APIC in KVM */

/* An exit, and on the next vm_run the answer to it. */
struct ukern_vm_exit {
    uint32_t kind;  /* enum ukern_vm_exit_kind */
    uint32_t raw;   /* KVM's exit reason, for reports */
    uint64_t address; /* IO: port; MMIO: guest-physical address; INTERNAL, ENTRY: suberror or hardware reason */
    uint32_t width; /* IO: bytes of one item, 1 2 4; MMIO: 1..8 */
    uint32_t count; /* IO: items, 1 unless `rep`; at most 1024 / width; MMIO: 1 */
    bool write;
    uint8_t data[1024]; /* written by the guest, or to be filled in for it before the next vm_run */
};
struct ukern_vm_segment { uint64_t base; uint32_t limit; uint16_t selector; uint8_t type, present, dpl, db, s, l, g, avl; };
struct ukern_vm_table { uint64_t base; uint16_t limit; };
struct ukern_vm_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
    struct ukern_vm_segment cs, ds, es, fs, gs, ss, tr, ldt;
    struct ukern_vm_table gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, efer;
};

/* ---- the user library: the calls with C types, and printing ---- */
/* All return the kernel's status; ret_ outputs are written on success only. */
void ukern_yield(void);
void ukern_exit(int code) __attribute__((noreturn));
/* The same with words for the task's reason, at most 119 bytes. Literals are allowed here. */
void ukern_exit_because(int code, const char *why) __attribute__((noreturn));
void ukern_sleep(uint64_t ns);
enum ukern_status ukern_wait_wake(uint64_t ns);
enum ukern_status ukern_wake(uint32_t task);
uint64_t ukern_time(void);
/* printf to the task's console, at most 1023 bytes at a time. Literals are allowed here: they are copied first. */
void ukern_print(const struct ukern_start *start, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum ukern_status ukern_console_write(uint32_t console, const void *bytes, size_t n);
enum ukern_status ukern_console_read(uint32_t console, void *bytes, size_t n, size_t *ret_n);
enum ukern_status ukern_mem_map(uint64_t va, uint64_t n, int prot, void **ret_memory);
enum ukern_status ukern_mem_unmap(void *memory, uint64_t n);
/* ns: at most that long, 0: for ever. */
enum ukern_status ukern_chan_send(uint32_t channel, const void *bytes, size_t n, uint64_t ns, size_t *ret_taken);
enum ukern_status ukern_chan_recv(uint32_t channel, void *bytes, size_t n, uint64_t ns, size_t *ret_got);
enum ukern_status ukern_vm_create(uint32_t flags, uint32_t *ret_vm);
enum ukern_status ukern_vm_map(uint32_t vm, uint64_t gpa, void *memory, uint64_t n);
enum ukern_status ukern_vm_run(uint32_t vm, struct ukern_vm_exit *exit);
enum ukern_status ukern_vm_get_regs(uint32_t vm, struct ukern_vm_regs *ret_regs);
enum ukern_status ukern_vm_set_regs(uint32_t vm, const struct ukern_vm_regs *regs);
enum ukern_status ukern_vm_irq(uint32_t vm, uint32_t line, bool level);
enum ukern_status ukern_vm_destroy(uint32_t vm);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
