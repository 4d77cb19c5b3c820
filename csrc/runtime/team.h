// Threads that begin a region together and are joined at its end: OpenMP's, which are fast, or plain ones,
// started anew each time, whose every order ThreadSanitizer sees; without either, the caller alone.
//
// GCC's OpenMP runtime is not built for ThreadSanitizer: a report of a race cannot be told from one about
// the runtime's own barriers. A build of plain threads has no such reports, so that none is suppressed.
#pragma once
#include <cstdlib>

#ifdef _OPENMP
#include <omp.h>
#elif defined(GATEWORK_PLAIN_THREADS)
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>
#endif

namespace gw::team {

#ifdef _OPENMP

// Threads of a region that this thread begins.
inline int wanted() { return omp_in_parallel() ? 1 : omp_get_max_threads(); }
inline void want(int n) { omp_set_num_threads(n); }

// body(thread, size) on each of `threads` threads, or of as many as there are to be had.
template <class Body> void run(int threads, const Body& body) {
#pragma omp parallel num_threads(threads)
    body(omp_get_thread_num(), omp_get_num_threads());
}

#elif defined(GATEWORK_PLAIN_THREADS)

// Of each thread its own, as OpenMP's is.
inline int& setting() {
    thread_local int n = [] {
        const char* text = std::getenv("OMP_NUM_THREADS");
        const int told = text == nullptr ? 0 : static_cast<int>(std::strtol(text, nullptr, 10));
        const int processors = static_cast<int>(std::thread::hardware_concurrency());
        return told > 0 ? told : processors > 0 ? processors : 1;
    }();
    return n;
}
inline int wanted() { return setting(); }
inline void want(int n) { setting() = n; }

template <class Body> void run(int threads, const Body& body) {
    std::atomic<int> size{0}; // known once all have been started, or no more can be
    std::vector<std::thread> others;
    others.reserve(static_cast<std::size_t>(threads));
    try {
        for (int thread = 1; thread < threads; ++thread)
            others.emplace_back([&, thread] {
                want(1); // regions do not nest
                while (size.load(std::memory_order_acquire) == 0) std::this_thread::yield();
                body(thread, size.load(std::memory_order_relaxed));
            });
    } catch (const std::system_error&) { // a smaller team then
    }
    size.store(1 + static_cast<int>(others.size()), std::memory_order_release);
    body(0, size.load(std::memory_order_relaxed));
    for (std::thread& other : others) other.join();
}

#else

inline int wanted() { return 1; }
inline void want(int) {}
template <class Body> void run(int, const Body& body) { body(0, 1); }

#endif

} // namespace gw::team
