// Aligned memory for kernels. Blocks are kept for reuse: fresh pages cost more than the arithmetic that
// first touches them.
#pragma once
#include "api/types.h"

namespace gw {

// 64-byte aligned. Throws std::bad_alloc; call it outside of parallel regions.
void* acquire(std::size_t bytes);
void release(void* block) noexcept;
void release_cached() noexcept; // gives the kept blocks back to the system
i64 blocks_asked_for();         // by all threads so far, from the blocks that all share

// Memory of one caller who runs the same kernels over and over: while it is in use on a thread, `acquire`
// cuts its blocks from it, without a lock. What does not fit is acquired as ever; `grow` makes room for it.
class Scratch {
  public:
    Scratch() = default;
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    class Use {
      public:
        explicit Use(Scratch& scratch) noexcept;
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

      private:
        Scratch* outer_;
    };

    void grow();          // to the most that was wanted between two calls of `rewind`
    void rewind() noexcept { // between kernels: nothing is held
        if (live_ == 0) used_ = 0;
    }
    std::size_t bytes() const { return size_; }

    void* take(std::size_t bytes) noexcept; // null: it does not fit
    void give_back() noexcept;

  private:
    char* memory_ = nullptr;
    std::size_t size_ = 0, used_ = 0, most_ = 0;
    i64 live_ = 0;
};

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
    T* give() noexcept { // to a caller who will `release` it
        T* mine = data_;
        data_ = nullptr;
        return mine;
    }

  private:
    T* data_;
};

using Floats = Buffer<float>;

} // namespace

} // namespace gw
