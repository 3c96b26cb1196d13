/* SPDX-License-Identifier: BSD-2-Clause */
/* input: see input.h. The descriptor is not made non-blocking: that would belong to everybody who has the terminal
 * open. */
#include "input.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { ESCAPE = 1 }; /* Ctrl-a */

static enum input_key escaped(struct input *in, uint8_t key)
{
    switch (key) {
    case 'x': return INPUT_QUIT;
    case 'h':
    case '?': return INPUT_HELP;
    case 'b': return INPUT_NO_BREAK;
    case 'a':
    case ESCAPE: in->waiting[in->count++] = ESCAPE; break;
    default: break;
    }
    return INPUT_NOTHING;
}

bool input_read(struct input *in, enum input_key *ret_key)
{
    uint8_t bytes[sizeof in->waiting];
    *ret_key = INPUT_NOTHING;
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes - in->count);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    for (ssize_t i = 0; i < n; i++) {
        if (in->after_escape) {
            enum input_key key = escaped(in, bytes[i]);
            in->after_escape = false;
            if (key != INPUT_NOTHING)
                *ret_key = key;
        } else if (in->escapes && bytes[i] == ESCAPE) {
            in->after_escape = true;
        } else {
            in->waiting[in->count++] = bytes[i];
        }
    }
    return n > 0;
}

bool input_push(struct input *in, struct ukern *m)
{
    size_t taken = in->count > 0 ? ukern_console_input(m, in->console, in->waiting, in->count) : 0;
    in->count -= taken;
    memmove(in->waiting, in->waiting + taken, in->count);
    return in->count == 0;
}
