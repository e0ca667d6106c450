// The headers of the compression libraries. zlib's initialisers are macros, which Swift does not see; these are the two that we need.
#ifndef PLATFORM_COMPRESSION_SHIM_H
#define PLATFORM_COMPRESSION_SHIM_H
#include <lz4.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>
/// Window bits for the gzip format, as zlib wants them.
enum { platform_gzip_window_bits = 15 + 16 };
static inline int platform_gzip_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, platform_gzip_window_bits, 8, Z_DEFAULT_STRATEGY);
}
static inline int platform_gzip_inflate_init(z_stream *stream) { return inflateInit2(stream, platform_gzip_window_bits); }
#endif
