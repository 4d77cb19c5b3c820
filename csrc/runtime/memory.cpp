#include "runtime/memory.h"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>

#include <pthread.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace gw {
namespace {

constexpr std::size_t kAlign = 64;
constexpr std::size_t kHeader = kAlign; // holds the block's size
constexpr std::size_t kKeepBytes = std::size_t(1) << 29;
constexpr std::size_t kSmallest = std::size_t(1) << 12;

struct Kept {
    void* block;
    std::size_t bytes;
};

// Without destructors: at the end of the process, threads may still be inside kernels.
constexpr std::size_t kMostKept = 256;
std::mutex mutex;
Kept kept[kMostKept];
std::size_t kept_count = 0;
std::size_t kept_bytes = 0;
std::atomic<i64> asked_for{0};

thread_local Scratch* scratch = nullptr;
constexpr std::size_t kOfScratch = 0; // in the place of a block's size

// A child forked while another thread was in here gets the mutex free and the list whole.
[[maybe_unused]] const int memory_after_fork =
    pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, [] { mutex.unlock(); });

// Eight sizes per power of two: a block fits requests at most 12.5 % smaller than itself.
std::size_t round_up(std::size_t bytes) {
    if (bytes <= kSmallest) return kSmallest;
    std::size_t step = kSmallest / 8;
    while (step * 16 <= bytes) step *= 2;
    return (bytes + step - 1) / step * step;
}

// Memory for a block and its header; null if there is none. Where it has whole huge pages it asks for
// them: a product that goes through more memory than the address caches cover waits for them at every
// row, and pages side by side share the sets of a cache evenly.
void* allocate(std::size_t size) {
    constexpr std::size_t kHugePage = std::size_t(1) << 21;
    const std::size_t align = size >= kHugePage ? kHugePage : kAlign;
    const std::size_t bytes = (size + kHeader + kAlign - 1) / kAlign * kAlign;
    void* base = nullptr; // not aligned_alloc, which wants whole multiples of the alignment
    if (posix_memalign(&base, align, bytes) != 0) return nullptr;
#if defined(__linux__)
    if (align == kHugePage) madvise(base, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
    return base;
}

std::size_t& size_of(void* block) {
    return *reinterpret_cast<std::size_t*>(static_cast<char*>(block) - kHeader);
}

} // namespace

void* acquire(std::size_t bytes) {
    if (bytes > (std::size_t(1) << 62)) throw std::bad_alloc();
    if (scratch != nullptr)
        if (void* block = scratch->take(bytes)) return block;
    asked_for.fetch_add(1, std::memory_order_relaxed);
    const std::size_t size = round_up(bytes);
    {
        std::lock_guard<std::mutex> lock(mutex);
        for (std::size_t i = kept_count; i-- > 0;) {
            if (kept[i].bytes != size) continue;
            void* block = kept[i].block;
            kept_bytes -= size;
            kept[i] = kept[--kept_count];
            return block;
        }
    }
    void* base = allocate(size);
    if (base == nullptr) {
        release_cached();
        base = allocate(size);
        if (base == nullptr) throw std::bad_alloc();
    }
    void* block = static_cast<char*>(base) + kHeader;
    size_of(block) = size;
    return block;
}

void release(void* block) noexcept {
    const std::size_t size = size_of(block);
    if (size == kOfScratch) return scratch->give_back();
    {
        std::lock_guard<std::mutex> lock(mutex);
        if (size <= kKeepBytes - kept_bytes && kept_count < kMostKept) {
            kept[kept_count++] = {block, size};
            kept_bytes += size;
            return;
        }
    }
    std::free(static_cast<char*>(block) - kHeader);
}

void release_cached() noexcept {
    std::lock_guard<std::mutex> lock(mutex);
    for (std::size_t i = 0; i < kept_count; ++i) std::free(static_cast<char*>(kept[i].block) - kHeader);
    kept_count = 0;
    kept_bytes = 0;
}

i64 blocks_asked_for() { return asked_for.load(std::memory_order_relaxed); }

Scratch::~Scratch() {
    if (memory_ != nullptr) release(memory_);
}

Scratch::Use::Use(Scratch& inner) noexcept : outer_(scratch) {
    inner.used_ = 0;
    scratch = &inner;
}

Scratch::Use::~Use() { scratch = outer_; }

void* Scratch::take(std::size_t bytes) noexcept {
    const std::size_t begin = used_;
    used_ += kHeader + (bytes + kAlign - 1) / kAlign * kAlign;
    if (used_ > most_) most_ = used_;
    if (used_ > size_) return nullptr;
    ++live_;
    void* block = memory_ + begin + kHeader;
    size_of(block) = kOfScratch;
    return block;
}

void Scratch::give_back() noexcept {
    if (--live_ == 0) used_ = 0;
}

void Scratch::grow() {
    if (most_ <= size_ || live_ > 0) return;
    char* larger = static_cast<char*>(acquire(most_));
    if (memory_ != nullptr) release(memory_);
    memory_ = larger;
    size_ = most_;
}

} // namespace gw
