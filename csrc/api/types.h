// Types shared by every layer of the extension. No code: this header is compiled for every ISA.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gw {

using u16 = std::uint16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

// One id per activation; the list is activations.def.
enum class Activation : i32 {
#define GW_ACTIVATION(name) name,
#include "api/activations.def"
#undef GW_ACTIVATION
};

} // namespace gw
