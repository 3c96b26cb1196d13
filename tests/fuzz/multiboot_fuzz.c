/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: the multiboot loader, from a valid ELF file or a valid image with load addresses. */
#include "image_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct image_fuzz_base bases[] = { { images_elf, IMAGES_ELF }, { images_aout, IMAGES_AOUT } };
    return image_fuzz(data, size, UKERN_GUEST_MULTIBOOT, bases, 2);
}
