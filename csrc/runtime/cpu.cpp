#include "runtime/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace gw {

#if defined(__x86_64__)
namespace {

bool bit(unsigned word, int index) { return (word >> index) & 1u; }

// XCR0 tells which registers the operating system saves on a context switch.
unsigned long long saved_registers() {
    unsigned low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<unsigned long long>(high) << 32) | low;
}

} // namespace

CpuFeatures cpu_features() {
    CpuFeatures features = {};
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return features;
    features.sse42 = bit(c, 20) && bit(c, 23); // SSE4.2 and POPCNT
    const bool fma = bit(c, 12), osxsave = bit(c, 27), avx = bit(c, 28), f16c = bit(c, 29);
    if (!osxsave || !avx) return features;
    const unsigned long long saved = saved_registers();
    const bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xe6) == 0xe6;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return features;
    const bool bmi = bit(b, 3) && bit(b, 8), avx2 = bit(b, 5);
    features.avx2_fma = ymm && fma && f16c && avx2 && bmi;
    const bool f = bit(b, 16), dq = bit(b, 17), cd = bit(b, 28), bw = bit(b, 30), vl = bit(b, 31);
    features.avx512 = features.avx2_fma && zmm && f && dq && cd && bw && vl;
    features.avx512_vnni = features.avx512 && bit(c, 11);
    const bool tiles = bit(d, 22) && bit(d, 24) && bit(d, 25); // AMX-BF16, AMX-TILE, AMX-INT8
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d))
        features.avx512_bf16 = features.avx512 && bit(a, 5);
    features.amx = features.avx512_bf16 && tiles && (saved & 0x60000) == 0x60000;
#ifdef GATEWORK_EMULATE_AVX512
    features.avx512 = features.avx512_vnni = features.avx512_bf16 = features.amx = features.avx2_fma;
#endif
    return features;
}

bool may_use_tiles() {
#if defined(GATEWORK_EMULATE_AVX512)
    return true;
#elif defined(__linux__) && defined(SYS_arch_prctl)
    constexpr int kRequestPermission = 0x1023, kTileData = 18; // ARCH_REQ_XCOMP_PERM, of asm/prctl.h
    static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
    return granted;
#else
    return false; // not known how to ask
#endif
}
#else
CpuFeatures cpu_features() { return {}; }
bool may_use_tiles() { return false; }
#endif

} // namespace gw
