// Aligned memory for kernels. Blocks are kept for reuse: fresh pages cost more than the arithmetic that
// first touches them.
#pragma once
#include "api/types.h"

namespace gw {

// 64-byte aligned. Throws std::bad_alloc; call it outside of parallel regions.
void* acquire(std::size_t bytes);
void release(void* block) noexcept;
void release_cached() noexcept; // gives the kept blocks back to the system

namespace {

// An owned array of plain values, uninitialised.
template <class T> class Buffer {
  public:
    explicit Buffer(i64 count = 0)
        : data_(count > 0 ? static_cast<T*>(acquire(static_cast<std::size_t>(count) * sizeof(T)))
                          : nullptr) {}
    Buffer(Buffer&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
    Buffer& operator=(Buffer&& other) noexcept {
        T* mine = data_;
        data_ = other.data_;
        other.data_ = mine;
        return *this;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() {
        if (data_ != nullptr) release(data_);
    }
    T* get() const { return data_; }

  private:
    T* data_;
};

using Floats = Buffer<float>;

} // namespace

} // namespace gw
