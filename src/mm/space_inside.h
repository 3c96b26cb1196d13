/* SPDX-License-Identifier: BSD-2-Clause */
/* space_inside: what space.c and space_map.c share. A space belongs to its task: no lock.          Row mm/space */
#pragma once
#include "host/window.h"
#include "mm/space.h"

struct space {
    struct pt_id map; /* NO_ID: there is no such space; else its own number */
};

struct space *space_of(struct space_id id); /* NULL: there is no such space */
static inline struct pt_id space_pt(struct space_id id) { return (struct pt_id){ id.n }; } /* its page map, and its window */
