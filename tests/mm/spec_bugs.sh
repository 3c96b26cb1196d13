#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every bug that is planted in a specification of the memory tower is found by the code that runs beside it.
exec bash "$srcdir/tests/planted.sh" "$srcdir/tests/mm/spec_bugs"
