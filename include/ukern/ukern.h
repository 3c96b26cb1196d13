/* SPDX-License-Identifier: BSD-2-Clause */
/* ukern: a concurrent microkernel and hypervisor that runs as one ordinary Linux process.
 *
 * For       programs that make machines: the ukern tool, tests, other people's programs.
 * State     one opaque `struct ukern` per machine; any number of machines in one process, none shares anything.
 * Threads   a machine belongs to the thread that made it, until ukern_free. Under UKERN_SMP ukern_run makes one
 *           thread per CPU; under UKERN_SIM everything runs on the caller's thread. Functions marked (any thread)
 *           may be called from elsewhere while the machine runs.
 * Errors    every function that can fail returns an enum ukern_status; outputs are last, named ret_, and written
 *           only on success. The text of the last error of a machine is ukern_error(m).
 * Manners   the library never exits, aborts, prints, installs signal handlers or changes seccomp state, except
 *           where a function says so.
 * Layout    structs begin with their own size (set it to sizeof), so that later versions can grow them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default) /* the library is built with everything else hidden */
#endif

#define UKERN_VERSION "0.1.0"
#define UKERN_PAGE 4096u
#if defined(__GNUC__)
#define UKERN_MUST_USE __attribute__((warn_unused_result))
#else
#define UKERN_MUST_USE
#endif

/* The one vocabulary of failure, of the library's functions and of the kernel's calls alike. */
enum ukern_status {
    UKERN_OK = 0,
    UKERN_NOMEM,       /* no free frame, table slot or arena room                       */
    UKERN_BADARG,      /* an argument is out of range, misaligned or contradicts another */
    UKERN_FAULT,       /* a user address is not mapped with the permission needed        */
    UKERN_EXISTS,      /* it is already there                                            */
    UKERN_NOTFOUND,    /* there is nothing by that name or number                        */
    UKERN_BUSY,        /* not now: the object is in use                                  */
    UKERN_TIMEOUT,     /* the deadline passed                                            */
    UKERN_ABORTED,     /* the partner, or the caller itself, was killed                  */
    UKERN_DEADLOCK,    /* nobody can run, somebody waits                                 */
    UKERN_FAILED,      /* the machine ran, and a task or VM ended badly                  */
    UKERN_BROKEN,      /* a check of the kernel on itself failed                         */
    UKERN_STOPPED,     /* ukern_stop was called before the end                           */
    UKERN_NOTBUILT,    /* this build has no such feature                                 */
    UKERN_UNSUPPORTED, /* this host has no such feature                                  */
    UKERN_HOST,        /* Linux refused; ukern_error says what                           */
    UKERN_BADCONFIG,   /* the config file is wrong; every error was logged               */
    UKERN_STATUS_COUNT
};

/* "NOMEM" for UKERN_NOMEM; "unknown status" for a number outside the enum. Never NULL. */
const char *ukern_status_name(enum ukern_status st);
/* The library's version, "0.1.0 fast" or "0.1.0 check" (the build with the kernel's checks in it). */
const char *ukern_version(void);

enum ukern_engine {
    UKERN_SMP, /* one pthread per CPU, real races, real time                     */
    UKERN_SIM  /* all CPUs on the calling thread, virtual time, one seed one trace */
};

enum ukern_log_level { UKERN_LOG_ERROR, UKERN_LOG_WARNING, UKERN_LOG_INFO, UKERN_LOG_DEBUG };

/* What an embedder gives a machine. All may be NULL. `ctx` is passed back. They run on kernel stacks of 32 KiB. */
struct ukern_hooks {
    size_t size;
    void *ctx;
    /* One line of text without newline, from any of the machine's threads, one call at a time. */
    void (*log)(void *ctx, enum ukern_log_level level, const char *line);
    /* Bytes that a task or guest wrote to a console. From CPU threads, one call at a time per machine. */
    void (*console_write)(void *ctx, uint32_t console, const void *bytes, size_t n);
    /* On each CPU's own thread, after its set-up and before it runs the kernel (a place for seccomp filters). */
    void (*cpu_start)(void *ctx, uint32_t cpu);
    /* UKERN_SIM only: one line (no newline) of the trace per point. */
    void (*trace)(void *ctx, const char *line);
    /* The library's own host memory (handles, config); NULL: malloc and free. */
    void *(*alloc)(void *ctx, size_t n);
    void (*dealloc)(void *ctx, void *p);
};

/* One region of the memory map, as a boot loader would report it. Bytes. */
struct ukern_region {
    uint64_t start, length;
    bool usable; /* false: reserved */
};

/* A machine. Zero means the default that is named. */
/* Which of the free frames is given out: any, or the one with the lowest number (slower; CertiKOS's choice). */
enum ukern_frame_policy { UKERN_FRAMES_ANY, UKERN_FRAMES_LOWEST };
/* UKERN_LIMITS_MCERTIKOS: the constants of mCertiKOS, for conformance tests. */
enum ukern_limits { UKERN_LIMITS_OWN, UKERN_LIMITS_MCERTIKOS };

/* How a layer of the kernel runs: its code; its code with its specification beside it, compared at every step; its
 * specification alone. All but IMPL need the build with the kernel's checks in it (ukern_version): else UKERN_NOTBUILT. */
enum ukern_mode { UKERN_MODE_IMPL, UKERN_MODE_BOTH, UKERN_MODE_SPEC };
struct ukern_layer_mode {
    const char *layer; /* its name without folder, as `ukern layers` prints it, or "all" */
    enum ukern_mode mode;
};

struct ukern_params {
    size_t size;
    enum ukern_engine engine;
    uint32_t cpus;                      /* 1..256; default 1                                       */
    uint64_t seed;                      /* of UKERN_SIM                                            */
    uint64_t ram;                       /* bytes, multiple of 4096; default 64 MiB                 */
    const struct ukern_region *regions; /* default: all of ram usable; gaps are reserved           */
    size_t region_count;                /* at most 64; regions may not overlap or leave ram        */
    uint32_t max_tasks;                 /* default 256, at most 65535                              */
    uint32_t max_channels;              /* default 64, at most 65535                               */
    uint32_t max_vms;                   /* default 16, at most 1024                                */
    uint64_t wall_time;                 /* seconds since 1970 at machine time 0; default: host's clock, in SIM 2026-01-01 */
    bool without_kvm;                   /* do not open /dev/kvm: VMs answer UKERN_UNSUPPORTED      */
    const struct ukern_hooks *hooks;    /* copied                                                  */
    uint32_t max_containers;            /* default 1024, at most 65535                             */
    enum ukern_frame_policy frame_policy;
    enum ukern_limits limits;           /* MCERTIKOS also sets 64 containers and page maps, 3 children each, policy LOWEST */
    const struct ukern_layer_mode *layers; /* copied; of two for one layer the later one holds; default: all IMPL */
    size_t layer_count;                 /* at most 256                                             */
    uint32_t check_every;               /* steps after which all relations and invariants are compared; 0: never of itself */
};

struct ukern;
/* Makes a machine, off. NULL params: all defaults. Errors: BADARG, NOMEM, HOST; their text goes to hooks->log. */
UKERN_MUST_USE enum ukern_status ukern_make(const struct ukern_params *params, struct ukern **ret_machine);
/* Frees a machine in whatever state it is (a running one is stopped first; as ukern_wait, it waits for tasks that make no
 * kernel call: see ukern_end_task_here). Nothing else may use m any more. NULL is allowed. */
void ukern_free(struct ukern *m);
/* The text of this machine's last error; "" when there was none. Lives until the next call on m. */
const char *ukern_error(const struct ukern *m);

/* What a task is expected to end with; anything else makes the run UKERN_FAILED. */
enum ukern_expect {
    UKERN_EXPECT_EXIT,  /* it returns or exits with `expect_code`, the default 0 */
    UKERN_EXPECT_KILLED /* the kernel kills it for what it does                   */
};

struct ukern_start; /* what a program gets: <ukern/user.h> */
typedef int ukern_program(const struct ukern_start *start);

/* A file's bytes, or any other, copied into frames and mapped read-only into the task before it starts. */
struct ukern_blob {
    const char *name;
    const void *bytes;
    uint64_t length;
};

/* A hosted task: a C function in a space of its own. Everything is copied. */
struct ukern_task_params {
    size_t size;
    const char *name;         /* at most 31 characters                                          */
    ukern_program *program;   /* runs on the task's own stack, on CPU `cpu`, for ever            */
    uint32_t cpu;
    uint64_t stack;           /* bytes; default 64 KiB                                           */
    int argc;                 /* strings, copied into the task's space; argv[0] is its name by custom */
    const char *const *argv;
    const struct ukern_blob *blobs; /* at most 16 */
    size_t blob_count;
    bool daemon;              /* the run does not wait for it                                    */
    enum ukern_expect expect;
    int expect_code;
    bool floating_point;      /* keeps its own floating-point control words (MXCSR, x87 CW) across switches */
    bool is_vm;               /* counts as a VM in reports; the VMM's own launcher sets it        */
    uint32_t console;         /* where ukern_print writes; 0 is the machine's console            */
};
/* Errors: BADARG, NOMEM, BUSY (the machine has been started). */
UKERN_MUST_USE enum ukern_status ukern_spawn(struct ukern *m, const struct ukern_task_params *task, uint32_t *ret_task);

enum ukern_guest_format { UKERN_GUEST_AUTO, UKERN_GUEST_FLAT, UKERN_GUEST_MULTIBOOT, UKERN_GUEST_LINUX };

/* A guest under the VMM in vmm/, which runs as a hosted task. */
struct ukern_vm_params {
    size_t size;
    const char *name;
    uint32_t cpu;
    uint64_t ram;             /* bytes, multiple of 4096; default 16 MiB; taken from the machine's frames */
    enum ukern_guest_format format;
    struct ukern_blob kernel; /* required */
    struct ukern_blob initrd; /* Linux only; bytes NULL: none */
    const struct ukern_blob *modules; /* multiboot only */
    size_t module_count;      /* at most 8 */
    const char *cmdline;
    uint32_t console;         /* of COM1 */
    bool daemon;
    int expect_code;          /* of the debug-exit port; the default 0 also stands for an orderly end */
};
/* Errors: as ukern_spawn; UNSUPPORTED when there is no usable /dev/kvm. */
UKERN_MUST_USE enum ukern_status ukern_spawn_vm(struct ukern *m, const struct ukern_vm_params *vm, uint32_t *ret_task);

/* Runs until the last task that is no daemon has ended, ukern_stop, a deadlock or a failed check.
 * Returns OK, FAILED, STOPPED, DEADLOCK, BROKEN or HOST. UKERN_SIM: on this thread, without making any. */
UKERN_MUST_USE enum ukern_status ukern_run(struct ukern *m);
/* The two halves of ukern_run, for embedders with a loop of their own (UKERN_SMP only: else BADARG). */
UKERN_MUST_USE enum ukern_status ukern_start(struct ukern *m);
UKERN_MUST_USE enum ukern_status ukern_wait(struct ukern *m);
/* A file descriptor that becomes readable when the machine has ended. Belongs to m. -1 when Linux gave none. */
int ukern_fd(const struct ukern *m);
/* UKERN_SIM: at most `points` points of the simulation. OK: more to do; *ret_ended says whether it ended, and then
 * the status is ukern_run's. *ret_idle: all CPUs wait for input from the host. */
struct ukern_step {
    size_t size;
    bool ended, idle;
    uint64_t points; /* done */
};
UKERN_MUST_USE enum ukern_status ukern_step(struct ukern *m, uint64_t points, struct ukern_step *ret_step);
/* (any thread, async-signal-safe) Asks for an orderly end: tasks are not run any more. */
void ukern_stop(struct ukern *m);

/* (any thread) Input for a console; its reader is woken as by an interrupt. Returns how many bytes were taken (the
 * buffer holds 4096; none while another thread gives input to the same console): the rest is to be offered again. */
size_t ukern_console_input(struct ukern *m, uint32_t console, const void *bytes, size_t n);
/* Says that input for the console may still come: while one is open, a machine in which all wait is no deadlock. */
void ukern_console_open(struct ukern *m, uint32_t console, bool open);

/* Installs, for the whole process, handlers of SIGSEGV, SIGBUS, SIGILL and SIGFPE that turn a fault of a hosted task
 * into its death. A fault anywhere else still ends the process. The ukern tool calls it; a library user may. */
UKERN_MUST_USE enum ukern_status ukern_catch_faults(void);
/* For a signal handler (SA_SIGINFO) on a CPU's thread, with its third argument: when that CPU was running a task, the
 * task dies when the handler returns, as if it had faulted, and true is returned. `why` must be a literal. */
bool ukern_end_task_here(void *ucontext, const char *why);

enum ukern_vm_exit_kind {
    UKERN_EXIT_IO,       /* port input or output                         */
    UKERN_EXIT_MMIO,     /* guest-physical address without memory        */
    UKERN_EXIT_HLT,      /* HLT without an interrupt controller in KVM   */
    UKERN_EXIT_SHUTDOWN, /* triple fault                                 */
    UKERN_EXIT_HALTED,   /* halted with interrupts off: nothing can wake it */
    UKERN_EXIT_RECALL,   /* nothing of the guest's: input came, or the slice ended */
    UKERN_EXIT_ENTRY,    /* the hardware refused to enter the guest      */
    UKERN_EXIT_INTERNAL, /* KVM gave up (emulation failure)              */
    UKERN_EXIT_OTHER,
    UKERN_EXIT_KINDS
};
const char *ukern_exit_name(enum ukern_vm_exit_kind kind);

/* (any thread) Counters since the machine was made. Not one moment's cut while CPUs run. */
struct ukern_stats {
    size_t size;
    uint32_t cpus;
    uint64_t switches;      /* context switches between threads, idle included */
    uint64_t calls;         /* kernel calls by tasks */
    uint64_t messages;      /* sends that a receiver took */
    uint64_t interrupts;    /* pending bits taken */
    uint64_t faults;        /* tasks that were killed */
    uint64_t frames_usable, frames_used, frames_peak;
    uint64_t vm_exits[UKERN_EXIT_KINDS];
    uint64_t time;          /* ns of machine time */
    uint64_t points;        /* UKERN_SIM: points passed */
    bool inexact;           /* UKERN_SIM: a guest ran, and its exits depend on real time */
};
void ukern_stats(const struct ukern *m, struct ukern_stats *ret_stats);

enum ukern_task_state { UKERN_TASK_READY, UKERN_TASK_RUNNING, UKERN_TASK_WAITING, UKERN_TASK_ENDED };
struct ukern_task_info {
    size_t size;
    char name[32];
    uint32_t cpu;
    enum ukern_task_state state;
    bool daemon, is_vm, killed, as_expected; /* the last two: once ended */
    int code;                                /* exit code, once ended and not killed */
    char reason[160];                        /* why it ended, in words */
    uint64_t silent;                         /* ns of machine time since it last entered or left the kernel; RUNNING only */
};
/* (any thread) NOTFOUND when no task has that number; numbers count from 0 in order of spawning. */
UKERN_MUST_USE enum ukern_status ukern_task_info(const struct ukern *m, uint32_t task, struct ukern_task_info *ret_info);

/* ---- config files ---------------------------------------------------------------------------------------------- */

struct ukern_config;
/* Reads and checks a config file whole, with every file and module that it names; each error goes to hooks->log as
 * `file:line: message`. Errors: BADCONFIG, NOMEM. */
UKERN_MUST_USE enum ukern_status ukern_config_read(const char *path, const struct ukern_hooks *hooks, struct ukern_config **ret_config);
/* A configuration must outlive the ukern_make_from_config that uses it, not the machine. NULL is allowed. */
void ukern_config_free(struct ukern_config *c);
/* Changes a setting as the command line does: "machine.cpus=4", "processes.ping.cpu=1". On an error (BADCONFIG, logged;
 * NOMEM) the configuration is as it was. */
UKERN_MUST_USE enum ukern_status ukern_config_set(struct ukern_config *c, const char *assignment);
/* The same for several at once: only the result must be right, not each step. */
UKERN_MUST_USE enum ukern_status ukern_config_set_all(struct ukern_config *c, const char *const *assignments, size_t count);
/* The machine that the file describes, with its tasks and VMs spawned. The hooks are those of ukern_config_read, or
 * `hooks` when not NULL. Errors: ukern_make's and ukern_spawn's; UNSUPPORTED: a VM that is not optional, and no usable /dev/kvm. */
UKERN_MUST_USE enum ukern_status ukern_make_from_config(const struct ukern_config *c, const struct ukern_hooks *hooks, struct ukern **ret_machine);
/* Writes the configuration as a config file, in pieces, with every default filled in and all paths absolute. */
void ukern_config_dump(const struct ukern_config *c, void (*write)(void *ctx, const char *text), void *ctx);

/* Writes what settings there are, in pieces: what each may be, its default, what it is for. */
void ukern_config_describe(void (*write)(void *ctx, const char *text), void *ctx);

/* What a program wants to know of a configuration before it makes the machine. */
struct ukern_config_info {
    size_t size;
    const char *name;          /* lives as long as the configuration */
    enum ukern_engine engine;
    uint64_t seed;
    uint32_t cpus, processes, vms, consoles;
    bool checks;               /* some layer's mode is not IMPL: for the build with the checks in it */
};
void ukern_config_info(const struct ukern_config *c, struct ukern_config_info *ret_info);

/* The files that the configuration consists of and that it names, numbered from 0. NOTFOUND behind the last. */
UKERN_MUST_USE enum ukern_status ukern_config_path(const struct ukern_config *c, uint32_t n, const char **ret_path);

/* The layers that have a specification, numbered from 0, with their modes. NOTFOUND behind the last. */
UKERN_MUST_USE enum ukern_status ukern_config_layer(const struct ukern_config *c, uint32_t n, struct ukern_layer_mode *ret_mode);

enum ukern_console_kind {
    UKERN_CONSOLE_MACHINE, /* number 0: what tasks and guests print                    */
    UKERN_CONSOLE_STDIO,   /* the terminal, with its input; at most one                 */
    UKERN_CONSOLE_NULL,    /* output is dropped                                         */
    UKERN_CONSOLE_FILE     /* output goes to `path`, which whoever runs the machine opens */
};
struct ukern_console_info {
    size_t size;
    enum ukern_console_kind kind;
    const char *path, *owner;  /* live as long as the configuration */
    bool is_vm;                /* the owner is a guest: input wants a raw terminal */
};
/* The consoles, numbered from 0. NOTFOUND behind the last. */
UKERN_MUST_USE enum ukern_status ukern_config_console(const struct ukern_config *c, uint32_t console, struct ukern_console_info *ret_info);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
