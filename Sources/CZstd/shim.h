// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STASIS_CZSTD_SHIM_H
#define STASIS_CZSTD_SHIM_H

#include <zstd.h>

#endif
