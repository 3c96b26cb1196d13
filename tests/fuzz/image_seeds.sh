#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# image_seeds FOLDER: writes seeds for multiboot_fuzz and bzimage_fuzz: the valid images, undamaged and with one field damaged each.
set -eu
mkdir -p "$1/multiboot_fuzz.corpus" "$1/bzimage_fuzz.corpus"
seed() { printf "$3" >"$1/$2"; } # FOLDER NAME BYTES
m=$1/multiboot_fuzz.corpus b=$1/bzimage_fuzz.corpus
seed "$m" elf '\0\300\0'            # 4 MiB of RAM
seed "$m" aout '\0\301\0'
seed "$m" elf-module '\0\320\0'
seed "$m" elf-paddr '\0\300\0\100\0\3\0\0\0\0'
seed "$m" aout-end '\0\301\0\064\0\3\0\5\20\0'
seed "$m" raw '\1\300\0\2\260\255\33\3\0\0\0\373\117\122\344'
seed "$b" linux '\0\340\0'          # 8 MiB of RAM
seed "$b" initrd '\0\360\0'
seed "$b" small '\0\200\0'
seed "$b" version '\0\340\0\6\2\1\6\2\0\0'
seed "$b" sectors '\0\340\0\361\1\0\2\0\0\0'
seed "$b" raw '\1\340\0HdrS'
