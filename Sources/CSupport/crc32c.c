// CRC-32C: three interleaved streams on SSE4.2 hide the instruction's latency of three cycles; the table serves elsewhere.
// Source: polynomial 0x1EDC6F41 (reflected 0x82F63B78), RFC 3720 appendix B.4.
#include "csupport.h"

static uint32_t table[256];
static int table_ready;

static void make_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = (c & 1) ? (c >> 1) ^ 0x82F63B78u : c >> 1;
        table[i] = c;
    }
    __atomic_store_n(&table_ready, 1, __ATOMIC_RELEASE);
}

uint32_t csupport_crc32c_table(uint32_t crc, const void *bytes, size_t length) {
    if (!__atomic_load_n(&table_ready, __ATOMIC_ACQUIRE)) make_table();
    const uint8_t *p = bytes;
    uint32_t c = ~crc;
    while (length--) c = table[(c ^ *p++) & 0xff] ^ (c >> 8);
    return ~c;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <string.h>

// One lane's length in bytes; two lanes are shifted over it by a table of GF(2) products made once.
enum { LANE = 1024 };
static uint32_t shift_one[4][256], shift_two[4][256];
static int shift_ready;

static uint32_t times(const uint32_t *matrix, uint32_t vector) {
    uint32_t sum = 0;
    for (; vector; vector >>= 1, matrix++) if (vector & 1) sum ^= *matrix;
    return sum;
}

static void square(uint32_t *out, const uint32_t *in) {
    for (int n = 0; n < 32; n++) out[n] = times(in, in[n]);
}

static void make_shift(uint32_t shift[4][256], size_t zeros) {
    uint32_t even[32], odd[32];
    odd[0] = 0x82F63B78u;
    for (int n = 1; n < 32; n++) odd[n] = 1u << (n - 1);
    square(even, odd);
    square(odd, even);
    uint32_t *from = odd, *to = even;
    for (size_t n = zeros; n > 0; n >>= 1) {
        square(to, from);
        uint32_t *t = from; from = to; to = t;
        if (n == 1) break;
    }
    for (uint32_t n = 0; n < 256; n++)
        for (int k = 0; k < 4; k++) shift[k][n] = times(from, n << (8 * k));
}

static inline uint32_t shifted(const uint32_t shift[4][256], uint32_t crc) {
    return shift[0][crc & 0xff] ^ shift[1][(crc >> 8) & 0xff] ^ shift[2][(crc >> 16) & 0xff] ^ shift[3][crc >> 24];
}

__attribute__((target("sse4.2")))
static uint32_t hardware(uint32_t crc, const uint8_t *p, size_t length) {
    uint64_t c = ~crc;
    while (length && ((uintptr_t)p & 7)) { c = _mm_crc32_u8((uint32_t)c, *p++); length--; }
    while (length >= 3 * LANE) {
        uint64_t a = 0, b = 0, word;
        for (const uint8_t *end = p + LANE; p < end; p += 8) {
            memcpy(&word, p, 8); c = _mm_crc32_u64(c, word);
            memcpy(&word, p + LANE, 8); a = _mm_crc32_u64(a, word);
            memcpy(&word, p + 2 * LANE, 8); b = _mm_crc32_u64(b, word);
        }
        c = shifted(shift_two, (uint32_t)c) ^ shifted(shift_one, (uint32_t)a) ^ b;
        p += 2 * LANE;
        length -= 3 * LANE;
    }
    for (; length >= 8; p += 8, length -= 8) { uint64_t word; memcpy(&word, p, 8); c = _mm_crc32_u64(c, word); }
    while (length--) c = _mm_crc32_u8((uint32_t)c, *p++);
    return ~(uint32_t)c;
}

uint32_t csupport_crc32c(uint32_t crc, const void *bytes, size_t length) {
    if (!__builtin_cpu_supports("sse4.2")) return csupport_crc32c_table(crc, bytes, length);
    if (!__atomic_load_n(&shift_ready, __ATOMIC_ACQUIRE)) {
        make_shift(shift_one, LANE);
        make_shift(shift_two, 2 * LANE);
        __atomic_store_n(&shift_ready, 1, __ATOMIC_RELEASE);
    }
    return hardware(crc, bytes, length);
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#include <string.h>
uint32_t csupport_crc32c(uint32_t crc, const void *bytes, size_t length) {
    const uint8_t *p = bytes;
    uint32_t c = ~crc;
    for (; length >= 8; p += 8, length -= 8) { uint64_t word; memcpy(&word, p, 8); c = __crc32cd(c, word); }
    while (length--) c = __crc32cb(c, *p++);
    return ~c;
}
#else
uint32_t csupport_crc32c(uint32_t crc, const void *bytes, size_t length) { return csupport_crc32c_table(crc, bytes, length); }
#endif
