// What flows through a program: values whose kind is fixed and whose sizes are those of the inputs.
#pragma once
#include "api/types.h"
#include "runtime/memory.h"

#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace gw {

constexpr int kMaxAxes = 8;

struct Shape {
    int axes = 0;
    i64 size[kMaxAxes] = {};

    i64 last() const { return size[axes - 1]; }
    // Product of the sizes of axes [begin, end). Throws std::bad_alloc if it cannot be addressed.
    i64 count(int begin, int end) const {
        i64 total = 1;
        for (int i = begin; i < end; ++i)
            if (__builtin_mul_overflow(total, size[i], &total) || total > (i64(1) << 48))
                throw std::bad_alloc();
        return total;
    }
    i64 count() const { return count(0, axes); }
    bool operator==(const Shape& other) const {
        bool same = axes == other.axes;
        for (int i = 0; same && i < axes; ++i) same = size[i] == other.size[i];
        return same;
    }
    std::string text() const {
        std::string found = "(";
        for (int i = 0; i < axes; ++i) found += (i ? ", " : "") + std::to_string(size[i]);
        return found + (axes == 1 ? ",)" : ")");
    }
};

struct Releasing {
    void operator()(void* block) const { release(block); }
};

// Owned memory of kernels.
template <class T> using Block = std::unique_ptr<T, Releasing>;

template <class T> Block<T> new_block(i64 count) {
    if (count <= 0) return nullptr;
    return Block<T>(static_cast<T*>(acquire(static_cast<std::size_t>(count) * sizeof(T))));
}

enum class ValueKind : i32 { floats, ids, mask };

struct Value {
    ValueKind kind = ValueKind::floats;
    bool wide = true; // ids of 64 bits, else of 32
    Shape shape;
    void* data = nullptr;

    float* floats() const { return static_cast<float*>(data); }
    bool* mask() const { return static_cast<bool*>(data); }
    std::size_t bytes() const {
        const std::size_t one = kind == ValueKind::floats ? sizeof(float) : sizeof(bool);
        return static_cast<std::size_t>(shape.count()) * one;
    }
};

// An empty array may be no memory at all.
inline void copy_bytes(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
}

using Values = std::vector<Value>;

} // namespace gw
