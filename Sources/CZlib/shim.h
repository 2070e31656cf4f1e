// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// zlib behind an opaque type. Another module of the same program shows Swift its own z_stream, so ours must not be seen.

#ifndef STASIS_CZLIB_SHIM_H
#define STASIS_CZLIB_SHIM_H

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

typedef struct czlib_encoder czlib_encoder;

// What one call did. `code` is zlib's.
typedef struct {
    int code;
    uint32_t consumed;
    uint32_t produced;
} czlib_step;

// A gzip encoder, or null without memory or for a level that zlib does not have. 15 bits of window, and 16 for the header.
static inline czlib_encoder *czlib_create(int level) {
    z_stream *stream = (z_stream *)calloc(1, sizeof(z_stream));
    if (stream && deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(stream);
        return 0;
    }
    return (czlib_encoder *)stream;
}

static inline czlib_step czlib_encode(czlib_encoder *encoder, const void *input, uint32_t input_size, void *output,
                                      uint32_t output_size, int is_last) {
    z_stream *stream = (z_stream *)encoder;
    stream->next_in = (Bytef *)input;
    stream->avail_in = input_size;
    stream->next_out = (Bytef *)output;
    stream->avail_out = output_size;
    czlib_step step;
    step.code = deflate(stream, is_last ? Z_FINISH : Z_NO_FLUSH);
    step.consumed = input_size - stream->avail_in;
    step.produced = output_size - stream->avail_out;
    return step;
}

static inline void czlib_destroy(czlib_encoder *encoder) {
    deflateEnd((z_stream *)encoder);
    free(encoder);
}

// Whether a code says that all went well; Z_BUF_ERROR only says that there was nothing to do.
static inline int czlib_is_success(int code) { return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR; }

static inline int czlib_is_end(int code) { return code == Z_STREAM_END; }

#endif
