#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every planted bug of the layer calculus is found by its own tests.
exec bash "$srcdir/tests/planted.sh" "$srcdir/tests/core/bugs"
