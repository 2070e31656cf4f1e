// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STASIS_CISAL_SHIM_H
#define STASIS_CISAL_SHIM_H

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

// The sizes are macros with arithmetic in them, which Swift does not import.
static inline uint32_t cisal_level_buffer_size(uint32_t level) {
    switch (level) {
    case 0: return ISAL_DEF_LVL0_DEFAULT;
    case 1: return ISAL_DEF_LVL1_DEFAULT;
    case 2: return ISAL_DEF_LVL2_DEFAULT;
    default: return ISAL_DEF_LVL3_DEFAULT;
    }
}

#endif
