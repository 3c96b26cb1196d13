/* SPDX-License-Identifier: BSD-2-Clause */
/* input: keys from standard input on their way to a console: the escape key, and what the console had no room for.
 *
 * Owner      the thread that runs the events */
#pragma once
#include "cli.h"

enum input_key { INPUT_NOTHING, INPUT_QUIT, INPUT_HELP, INPUT_NO_BREAK };

struct input {
    uint32_t console;
    bool escapes;         /* the terminal is raw: Ctrl-a is ours */
    bool after_escape;
    bool closed;          /* nothing more will come */
    uint8_t waiting[512]; /* for room in the console */
    size_t count;
};

/* Reads once, at most what there is room for. False: the end of the input. */
bool input_read(struct input *in, enum input_key *ret_key);
/* Offers what is waiting to the console; true when nothing is left. */
bool input_push(struct input *in, struct ukern *m);
