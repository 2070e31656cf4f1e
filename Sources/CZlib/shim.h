// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// zlib behind an opaque type. Another module of the same program shows Swift its own z_stream, so ours must not be seen.

#ifndef STASIS_CZLIB_SHIM_H
#define STASIS_CZLIB_SHIM_H

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

typedef struct czlib_encoder czlib_encoder;

// What compressing one block did. `code` is zlib's.
typedef struct {
    int code;
    uint32_t produced;
} czlib_member;

// A gzip encoder, or null without memory or for a level that zlib does not have. 15 bits of window, and 16 for the header.
static inline czlib_encoder *czlib_create(int level) {
    z_stream *stream = (z_stream *)calloc(1, sizeof(z_stream));
    if (stream && deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(stream);
        return 0;
    }
    return (czlib_encoder *)stream;
}

// Compresses a block into a whole gzip member.
static inline czlib_member czlib_compress(czlib_encoder *encoder, const void *input, uint32_t input_size, void *output,
                                          uint32_t output_size) {
    z_stream *stream = (z_stream *)encoder;
    czlib_member member = {deflateReset(stream), 0};
    if (member.code != Z_OK) return member;
    stream->next_in = (Bytef *)input;
    stream->avail_in = input_size;
    stream->next_out = (Bytef *)output;
    stream->avail_out = output_size;
    member.code = deflate(stream, Z_FINISH);
    member.produced = output_size - stream->avail_out;
    return member;
}

static inline void czlib_destroy(czlib_encoder *encoder) {
    deflateEnd((z_stream *)encoder);
    free(encoder);
}

// Whether a code says that the member is complete.
static inline int czlib_is_end(int code) { return code == Z_STREAM_END; }

static inline uint32_t czlib_crc32(const void *input, uint32_t input_size) {
    return (uint32_t)crc32(crc32(0, 0, 0), (const Bytef *)input, input_size);
}

#endif
