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

typedef struct czlib_decoder czlib_decoder;

// What decoding a part of a gzip stream did. `code` is zlib's.
typedef struct {
    int code;
    uint32_t consumed;
    uint32_t produced;
} czlib_part;

// A decoder of gzip members, or null without memory.
static inline czlib_decoder *czlib_create_decoder(void) {
    z_stream *stream = (z_stream *)calloc(1, sizeof(z_stream));
    if (stream && inflateInit2(stream, 15 + 16) != Z_OK) {
        free(stream);
        return 0;
    }
    return (czlib_decoder *)stream;
}

// Decodes as much of the input as there is room for. After the end of a member, the decoder is ready for the next one.
static inline czlib_part czlib_decompress(czlib_decoder *decoder, const void *input, uint32_t input_size, void *output,
                                          uint32_t output_size) {
    z_stream *stream = (z_stream *)decoder;
    stream->next_in = (Bytef *)input;
    stream->avail_in = input_size;
    stream->next_out = (Bytef *)output;
    stream->avail_out = output_size;
    czlib_part part = {inflate(stream, Z_NO_FLUSH), 0, 0};
    part.consumed = input_size - stream->avail_in;
    part.produced = output_size - stream->avail_out;
    if (part.code == Z_STREAM_END) inflateReset(stream);
    return part;
}

static inline void czlib_destroy_decoder(czlib_decoder *decoder) {
    inflateEnd((z_stream *)decoder);
    free(decoder);
}

// Whether a code says that decoding can go on, with more input or more room.
static inline int czlib_is_going_on(int code) { return code == Z_OK || code == Z_BUF_ERROR; }

static inline uint32_t czlib_crc32(const void *input, uint32_t input_size) {
    return (uint32_t)crc32(crc32(0, 0, 0), (const Bytef *)input, input_size);
}

#endif
