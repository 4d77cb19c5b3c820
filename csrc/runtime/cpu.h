// What the processor and the operating system support.
#pragma once

namespace gw {

struct CpuFeatures {
    bool sse42, avx2_fma, avx512, avx512_vnni, avx512_bf16;
};

CpuFeatures cpu_features();

} // namespace gw
