// What the processor and the operating system support.
#pragma once

namespace gw {

struct CpuFeatures {
    bool sse42, avx2_fma, avx512, avx512_vnni, avx512_bf16, amx; // amx: tiles of bfloat16 and of int8
};

CpuFeatures cpu_features();

// Whether the operating system lets this process use tile registers, which Linux wants to be asked for: its
// signals then need larger stacks. It refuses where a thread has an alternate stack too small for that.
bool may_use_tiles();

} // namespace gw
