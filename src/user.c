/* SPDX-License-Identifier: BSD-2-Clause */
/* user: the user library: <ukern/user.h>'s calls with C types. Runs on the task's side: no kernel header is included. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <ukern/user.h>

static enum ukern_status status(struct ukern_result r) { return (enum ukern_status)r.status; }

static struct ukern_result call(enum ukern_call n, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return ukern_trap(n, a0, a1, a2, a3);
}

void ukern_yield(void) { call(UKERN_CALL_yield, 0, 0, 0, 0); }

void ukern_exit(int code)
{
    for (;;)
        call(UKERN_CALL_exit, (uint64_t)code, 0, 0, 0);
}

void ukern_exit_because(int code, const char *why)
{
    char text[120];
    size_t n = strnlen(why, sizeof text - 1);
    memcpy(text, why, n);
    for (;;)
        call(UKERN_CALL_exit, (uint64_t)code, ukern_user_address(text), n, 0);
}

void ukern_sleep(uint64_t ns) { call(UKERN_CALL_sleep, ns, 0, 0, 0); }
enum ukern_status ukern_wait_wake(uint64_t ns) { return status(call(UKERN_CALL_wait, ns, 0, 0, 0)); }
enum ukern_status ukern_wake(uint32_t task) { return status(call(UKERN_CALL_wake, task, 0, 0, 0)); }
uint64_t ukern_time(void) { return call(UKERN_CALL_time, 0, 0, 0, 0).value; }

enum ukern_status ukern_console_write(uint32_t console, const void *bytes, size_t n)
{
    return status(call(UKERN_CALL_console_write, console, ukern_user_address(bytes), n, 0));
}

void ukern_print(const struct ukern_start *start, const char *format, ...)
{
    char line[1024]; /* on the stack, so in the task's window, which a literal is not */
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n > 0)
        (void)ukern_console_write(start->console, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

static enum ukern_status with_size(struct ukern_result r, size_t *ret_n)
{
    if (r.status == UKERN_OK && ret_n)
        *ret_n = (size_t)r.value;
    return status(r);
}

enum ukern_status ukern_console_read(uint32_t console, void *bytes, size_t n, size_t *ret_n)
{
    return with_size(call(UKERN_CALL_console_read, console, ukern_user_address(bytes), n, 0), ret_n);
}

enum ukern_status ukern_mem_map(uint64_t va, uint64_t n, int prot, void **ret_memory)
{
    enum ukern_status st = status(call(UKERN_CALL_mem_map, va, n, (uint64_t)prot, 0));
    if (st == UKERN_OK)
        *ret_memory = ukern_user_pointer(va);
    return st;
}

enum ukern_status ukern_mem_unmap(void *memory, uint64_t n)
{
    return status(call(UKERN_CALL_mem_unmap, ukern_user_address(memory), n, 0, 0));
}

enum ukern_status ukern_chan_send(uint32_t channel, const void *bytes, size_t n, uint64_t ns, size_t *ret_taken)
{
    return with_size(call(UKERN_CALL_chan_send, channel, ukern_user_address(bytes), n, ns), ret_taken);
}

enum ukern_status ukern_chan_recv(uint32_t channel, void *bytes, size_t n, uint64_t ns, size_t *ret_got)
{
    return with_size(call(UKERN_CALL_chan_recv, channel, ukern_user_address(bytes), n, ns), ret_got);
}

enum ukern_status ukern_vm_create(uint32_t flags, uint32_t *ret_vm)
{
    struct ukern_result r = call(UKERN_CALL_vm_create, flags, 0, 0, 0);
    if (r.status == UKERN_OK)
        *ret_vm = (uint32_t)r.value;
    return status(r);
}

enum ukern_status ukern_vm_map(uint32_t vm, uint64_t gpa, void *memory, uint64_t n)
{
    return status(call(UKERN_CALL_vm_map, vm, gpa, ukern_user_address(memory), n));
}

enum ukern_status ukern_vm_run(uint32_t vm, struct ukern_vm_exit *exit)
{
    return status(call(UKERN_CALL_vm_run, vm, ukern_user_address(exit), 0, 0));
}

enum ukern_status ukern_vm_get_regs(uint32_t vm, struct ukern_vm_regs *ret_regs)
{
    return status(call(UKERN_CALL_vm_get_regs, vm, ukern_user_address(ret_regs), 0, 0));
}

enum ukern_status ukern_vm_set_regs(uint32_t vm, const struct ukern_vm_regs *regs)
{
    return status(call(UKERN_CALL_vm_set_regs, vm, ukern_user_address(regs), 0, 0));
}

enum ukern_status ukern_vm_irq(uint32_t vm, uint32_t line, bool level)
{
    return status(call(UKERN_CALL_vm_irq, vm, line, level, 0));
}

enum ukern_status ukern_vm_destroy(uint32_t vm) { return status(call(UKERN_CALL_vm_destroy, vm, 0, 0, 0)); }
