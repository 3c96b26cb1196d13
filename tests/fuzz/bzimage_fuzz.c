/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: the bzImage loader, from a valid kernel of a few KiB. */
#include "image_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct image_fuzz_base bases[] = { { images_linux, IMAGES_LINUX } };
    return image_fuzz(data, size, UKERN_GUEST_LINUX, bases, 1);
}
