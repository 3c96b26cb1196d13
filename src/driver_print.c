/* SPDX-License-Identifier: BSD-2-Clause */
/* driver_print: a sequence as a C program: a regression test for tests/harness.h. It passes when the tower is right, and
 * gives the report that the sequence gave while it is wrong. */
#include "driver_inside.h"
#include <stdarg.h>

struct writer {
    void (*write)(void *ctx, const char *text);
    void *ctx;
};

__attribute__((format(printf, 2, 3))) static void put(const struct writer *out, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out->write(out->ctx, text);
}

static const char *const letters = "frcms"; /* of variables, by kind */

static const char *const id_types[DRIVER_KINDS] = { "struct frame_id", "struct frame_id", "struct container_id", "struct pt_id",
                                                    "struct space_id" };

/* A word of the arguments that is a name: f3, or (struct frame_id){ f3.n + 2 }. */
static bool print_name(const struct writer *out, const struct driver_command *c, size_t at, bool word)
{
    for (uint8_t i = 0; i < c->uses; i++) {
        const struct driver_use *u = &c->use[i];
        if (u->at != at)
            continue;
        char name[32], part[48];
        snprintf(name, sizeof name, "%c%u", letters[u->kind], u->maker);
        snprintf(part, sizeof part, u->part ? "%s.n + %u" : "%s.n", name, u->part);
        if (word)
            put(out, "%s", part);
        else if (u->part)
            put(out, "(%s){ %s }", id_types[u->kind], part);
        else
            put(out, "%s", name);
        return true;
    }
    return false;
}

static void print_words(const struct writer *out, const struct driver_command *c, const struct field *f)
{
    put(out, "(%s){ ", f->type);
    for (uint32_t at = f->at; at < f->at + f->size; at += 4) {
        if (!print_name(out, c, at, true))
            put(out, "%uu", word_at(c->args, at));
        put(out, "%s", at + 4 < f->at + f->size ? ", " : " }");
    }
}

static void print_pte(const struct writer *out, const struct driver_command *c, size_t at, uint64_t bits)
{
    bool name = false;
    for (uint8_t i = 0; i < c->uses; i++)
        name |= c->use[i].pte && c->use[i].at == at;
    put(out, "(struct pte){ 0x%llxu%s", (unsigned long long)(name ? bits & ~DRIVER_PTE_FRAME : bits), name ? " | (uint64_t)(" : "");
    if (name)
        (void)print_name(out, c, at, true);
    put(out, "%s }", name ? ") << FRAME_SHIFT" : "");
}

static void print_argument(const struct writer *out, const struct driver_command *c, const struct field_of *of)
{
    const struct field *f = of->field;
    uint64_t wide = 0;
    memcpy(&wide, c->args + f->at, f->size < 8 ? f->size : 8);
    switch (of->kind) {
    case FIELD_FRAME:
    case FIELD_ROOT:
    case FIELD_CONTAINER:
    case FIELD_MAP:
    case FIELD_SPACE:
        if (print_name(out, c, f->at, false))
            return;
        put(out, "(%s){ %uu }", f->type, (uint32_t)wide);
        return;
    case FIELD_PAIR: put(out, "(struct share_pair){ { "); break;
    case FIELD_ENTRY_AT: put(out, "(struct pte_at){ { "); break;
    case FIELD_PTE: print_pte(out, c, f->at, wide); return;
    case FIELD_BYTES: put(out, "(struct kernel_bytes){ bytes }"); return;
    case FIELD_FRAME_ENTRY:
        put(out, "(struct frame_entry){ %u, %u, %u, %u }", word_at(c->args, f->at), c->args[f->at + 4] | c->args[f->at + 5] << 8,
                c->args[f->at + 6], c->args[f->at + 7]);
        return;
    case FIELD_SHARE_ENTRY:
        memcpy(&wide, c->args + f->at + 8, 8);
        put(out, "(struct share_entry){ %u, %u, 0x%llxu }", word_at(c->args, f->at), word_at(c->args, f->at + 4),
                (unsigned long long)wide);
        return;
    default:
        if (strncmp(f->type, "struct ", 7) == 0)
            print_words(out, c, f);
        else
            put(out, wide > 4095 ? "0x%llxu" : "%llu", (unsigned long long)wide);
        return;
    }
    for (uint32_t i = 0; i < 2; i++) { /* two words, of which the first, or both, are ids */
        if (!print_name(out, c, f->at + 4 * i, true))
            put(out, "%uu", word_at(c->args, f->at + 4 * i));
        put(out, "%s", i == 1 ? (of->kind == FIELD_PAIR ? " } }" : " }") : of->kind == FIELD_PAIR ? " }, { " : " }, ");
    }
}

static const char *declared(const struct field *f)
{
    return strcmp(f->type, "bool") == 0 ? "bool" : f->type;
}

static void print_call(const struct writer *out, const struct driver_sequence *s, const struct table *t, uint32_t number)
{
    const struct driver_command *c = &s->command[number];
    const struct prim_of *p = &t->prim[c->prim];
    for (uint8_t i = 0; i < p->rets; i++) {
        const struct field *f = p->ret[i].field;
        if (strncmp(f->name, "ret_", 4) != 0)
            continue;
        if (p->makes >= 0 && p->made_at == f->at && i == (p->prim->has_result ? 1 : 0))
            put(out, "    %s %c%u = { NO_ID };\n", f->type, letters[p->makes], number);
        else
            put(out, "    %s %s_%u;\n", declared(f), f->name + 4, number);
    }
    put(out, "    here = &m->cpu[%u];\n    %s%s(", c->cpu, p->prim->has_status ? "st = " : p->prim->has_result ? "(void)" : "", p->prim->name);
    const char *separator = "";
    for (uint8_t i = 0; i < p->args; i++, separator = ", ") {
        put(out, "%s", separator);
        print_argument(out, c, &p->arg[i]);
    }
    for (uint8_t i = 0; i < p->rets; i++) {
        const struct field *f = p->ret[i].field;
        if (strncmp(f->name, "ret_", 4) != 0)
            continue;
        if (p->makes >= 0 && p->made_at == f->at && i == (p->prim->has_result ? 1 : 0))
            put(out, "%s&%c%u", separator, letters[p->makes], number);
        else
            put(out, "%s&%s_%u", separator, f->name + 4, number);
        separator = ", ";
    }
    put(out, "%s", ");\n");
}

static void print_machine(const struct writer *out, const struct driver_machine *dm)
{
    static const char *const modes[] = { "UKERN_MODE_IMPL", "UKERN_MODE_BOTH", "UKERN_MODE_SPEC" };
    const struct layer *top = driver_layer(dm->top);
    put(out, "    struct driver_machine dm = { .top = \"%s\", .frames = %u, .cpus = %u, .containers = %u, .maps = %u,\n"
                 "                                 .lowest = %s, .mcertikos = %s, .check_every = %u };\n",
            dm->top, dm->frames, dm->cpus, dm->containers, dm->maps, dm->lowest ? "true" : "false", dm->mcertikos ? "true" : "false",
            dm->check_every);
    uint32_t counts[3] = { 0 }, most = 0;
    for (uint32_t i = 0; i <= top->index; i++)
        counts[dm->mode[i]]++;
    for (uint32_t k = 1; k < 3; k++)
        most = counts[k] > counts[most] ? k : most;
    put(out, "    driver_mode(&dm, \"all\", %s);\n", modes[most]);
    for (uint32_t i = 0; i <= top->index; i++)
        if (dm->mode[i] != most)
            put(out, "    driver_mode(&dm, \"%s\", %s);\n", calculus_tower.layers[i]->name, modes[dm->mode[i]]);
}

void driver_print(const struct driver_sequence *s, const struct driver_outcome *o, const char *command,
                  void (*write)(void *ctx, const char *text), void *ctx)
{
    const struct writer writer = { write, ctx }, *out = &writer;
    const struct layer *top = driver_layer(s->machine.top);
    struct table *t = driver_table(top);
    if (!t)
        return;
    put(out, "/* SPDX-License-Identifier: BSD-2-Clause */\n/* %s: %s%s%s. Found by: %s */\n#include \"driver.h\"\n#include \"harness.h\"\n",
            o->prim[0] ? o->prim : "a full check", o->what, o->layer[0] ? ", layer " : "", o->layer, command);
    for (const struct layer *const *l = calculus_tower.layers; *l && (*l)->index <= top->index; l++)
        put(out, "#include \"%s.h\"\n", (*l)->row);
    put(out, "%s", "\nstatic void calls(void *arg)\n{\n    struct ukern *m = arg;\n");
    put(out, "    enum ukern_status st = UKERN_OK;\n");
    for (uint32_t i = 0; i < s->n; i++)
        if (t->prim[s->command[i].prim].bytes) {
            put(out, "    static unsigned char bytes[%d];\n", DRIVER_SCRATCH);
            break;
        }
    for (uint32_t i = 0; i < s->n; i++)
        print_call(out, s, t, i);
    put(out, "%s", "    here = &m->cpu[0];\n    (void)st;\n    (void)calculus_check_all(m);\n}\n\nSTART_TEST(found_by_check)\n{\n");
    print_machine(out, &s->machine);
    put(out, "%s", "    harness_calls(&dm, calls);\n}\nEND_TEST\n\nHARNESS_TESTS(\"found\", found_by_check)\n");
    free(t);
}
