#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every planted bug of core, host, sched and ipc is found.
exec bash "$srcdir/tests/planted.sh" "$srcdir/tests/sched/bugs"
