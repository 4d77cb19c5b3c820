// Intel's tile registers: 16 rows of 64 bytes each, and products of them. A register of sums has 16 columns
// of 32 bits; that of the left factor 16 words of each row (kernels/operand.h); that of the right one 16
// rows of words, as panels are packed. Included by simd.h where the level has them.
#pragma once
#include "runtime/tiles.h"

#if defined(GATEWORK_EMULATE_AVX512)
#include "emulation/amx.h"
#endif

namespace gw::GW_ISA {
namespace {

constexpr bool kHasTiles = true;
constexpr i64 kTileSide = 16; // rows of a register, and words of one of its rows

// Registers 0 to 3 are sums, 4 and 5 left factors, 6 and 7 right ones.
struct alignas(64) TileConfig {
    unsigned char palette = 1, start = 0, reserved[14] = {};
    u16 row_bytes[16] = {};
    unsigned char rows[16] = {};
};
struct TileConfigs {
    TileConfig of[kTileSide] = {};
    constexpr TileConfigs() {
        for (int height = 1; height <= kTileSide; ++height)
            for (int t = 0; t < 8; ++t) {
                of[height - 1].row_bytes[t] = 64;
                of[height - 1].rows[t] = static_cast<unsigned char>(t < 6 ? height : kTileSide);
            }
    }
};
constexpr TileConfigs kTileConfigs;

#if defined(GATEWORK_EMULATE_AVX512)
GW_INLINE void load_config(const TileConfig& c) { gw_emulated::tile_config(c.rows, c.row_bytes); }
template <int T> GW_INLINE void tile_zero() { gw_emulated::tile_zero(T); }
template <int T> GW_INLINE void tile_load(const void* p, i64 step) { gw_emulated::tile_load(T, p, step); }
template <int T> GW_INLINE void tile_store(void* p, i64 step) { gw_emulated::tile_store(T, p, step); }
template <int C, int A, int B> GW_INLINE void tile_dot_bf16() { gw_emulated::tile_dpbf16(C, A, B); }
template <int C, int A, int B> GW_INLINE void tile_dot_int8() { gw_emulated::tile_dpbusd(C, A, B); }
#else
// The compilers' own intrinsics take the number of a register as text, and GCC's do not say that they read
// and write memory.
GW_INLINE void load_config(const TileConfig& c) { __asm__ volatile("ldtilecfg %0" : : "m"(c)); }
template <int T> GW_INLINE void tile_zero() { __asm__ volatile("tilezero %%tmm%c0" : : "i"(T)); }
// Rows `step` bytes apart.
template <int T> GW_INLINE void tile_load(const void* p, i64 step) {
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(step), "i"(T) : "memory");
}
template <int T> GW_INLINE void tile_store(void* p, i64 step) {
    __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(step), "i"(T) : "memory");
}
// C += A·B
template <int C, int A, int B> GW_INLINE void tile_dot_bf16() {
    __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
}
template <int C, int A, int B> GW_INLINE void tile_dot_int8() { // bytes of A are unsigned
    __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
}
#endif

// Gets the registers ready for sums and left factors of so many rows; what they held is lost if that changes.
GW_INLINE void configure_tiles(int rows) {
    if (tiles_configured == rows) return;
    load_config(kTileConfigs.of[rows - 1]);
    tiles_configured = rows;
}

} // namespace
} // namespace gw::GW_ISA
