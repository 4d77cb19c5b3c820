#include "bindings/arrays.h"
#include "runtime/memory.h"

namespace gw {

FloatArray new_floats(const std::vector<i64>& shape) {
    constexpr i64 kFewest = 1 << 12; // below, what an owner of its own costs is more than it saves
    i64 count = 1;
    for (const i64 size : shape)
        if (__builtin_mul_overflow(count, size, &count)) throw std::bad_alloc();
    const std::vector<py::ssize_t> sizes(shape.begin(), shape.end());
    if (count < kFewest) return FloatArray(sizes);
    Floats block(count);
    const py::capsule owner(block.get(), [](void* memory) { release(memory); });
    float* values = block.give();
    return FloatArray(sizes, values, owner);
}

} // namespace gw
