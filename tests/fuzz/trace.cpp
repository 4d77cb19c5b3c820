// Notes which code of the bindings ran, for `python -m tests.fuzz.calls`: part of a build with
// GATEWORK_TRACE, in which the compiler calls this at every branch.
#include <cstddef>
#include <cstdint>

#define VISIBLE extern "C" __attribute__((visibility("default")))

VISIBLE unsigned char gatework_trace[1 << 16];
unsigned char gatework_trace[1 << 16];

VISIBLE void __sanitizer_cov_trace_pc() {
    // Relative to this library, so that the places are those of another run.
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
    const auto start = reinterpret_cast<std::uintptr_t>(&gatework_trace);
    const std::uintptr_t place = here - start;
    gatework_trace[(place ^ (place >> 16)) % sizeof gatework_trace] = 1;
}
