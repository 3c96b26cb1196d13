/* SPDX-License-Identifier: BSD-2-Clause */
/* lib: the names of the one vocabulary of failure.                                                Row core/lib */
#include "core/lib.h"

const char *ukern_status_name(enum ukern_status st)
{
    static const char *const names[UKERN_STATUS_COUNT] = {
        [UKERN_OK] = "OK", [UKERN_NOMEM] = "NOMEM", [UKERN_BADARG] = "BADARG", [UKERN_FAULT] = "FAULT",
        [UKERN_EXISTS] = "EXISTS", [UKERN_NOTFOUND] = "NOTFOUND", [UKERN_BUSY] = "BUSY", [UKERN_TIMEOUT] = "TIMEOUT",
        [UKERN_ABORTED] = "ABORTED", [UKERN_DEADLOCK] = "DEADLOCK", [UKERN_FAILED] = "FAILED", [UKERN_BROKEN] = "BROKEN",
        [UKERN_STOPPED] = "STOPPED", [UKERN_NOTBUILT] = "NOTBUILT", [UKERN_UNSUPPORTED] = "UNSUPPORTED",
        [UKERN_HOST] = "HOST", [UKERN_BADCONFIG] = "BADCONFIG",
    };
    return (unsigned)st < UKERN_STATUS_COUNT ? names[st] : "unknown status";
}
