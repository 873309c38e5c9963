/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CRC-32 and CRC-32C, reflected, without inversion before or after. */
#ifndef UTIL_CRC_H
#define UTIL_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_update(uint32_t crc, const void *buf, size_t len);
uint32_t crc32c_update(uint32_t crc, const void *buf, size_t len);
/* Fast 64-bit hash for telling whether bytes changed; not for the disk. */
uint64_t hash64(uint64_t seed, const void *buf, size_t len);

#endif
