#include "runtime/peak.h"
#include "runtime/parallel.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>

namespace gw {
namespace {

// run(times) does an amount of work `times` times.
template <class Run> double seconds_of(i64 times, const Run& run) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    run(times);
    const std::chrono::duration<double> taken = Clock::now() - start;
    interrupted();
    throw_if_interrupted();
    return taken.count();
}

template <class Run> std::vector<double> rates(double amount, Sampling sampling, const Run& run) {
    // Growing work warms caches, pages, threads and clock frequency up.
    i64 times = 1;
    double taken = seconds_of(times, run);
    while (taken < sampling.seconds / 2) {
        times *= 2;
        taken = seconds_of(times, run);
    }
    const auto fitting = static_cast<i64>(static_cast<double>(times) * sampling.seconds / taken);
    times = std::max(i64(1), fitting);
    std::vector<double> found;
    found.reserve(static_cast<std::size_t>(std::max(0, sampling.samples)));
    for (int s = 0; s < sampling.samples; ++s)
        found.push_back(amount * static_cast<double>(times) / seconds_of(times, run));
    return found;
}

struct Free {
    void operator()(float* p) const { std::free(p); }
};

} // namespace

std::vector<double> arithmetic_rates(const ArithmeticPeak& peak, Sampling sampling) {
    const int threads = max_threads();
    // Written, so that the work cannot be left out.
    std::vector<float> results(static_cast<std::size_t>(threads));
    return rates(static_cast<double>(peak.operations) * threads, sampling, [&](i64 times) {
        parallel(threads, [&](int thread) {
            results[static_cast<std::size_t>(thread)] = peak.run(times);
        });
    });
}

std::vector<double> read_rates(const PeakKernels& kernels, i64 bytes_per_thread, Sampling sampling) {
    constexpr i64 kStep = kPeakFloats * static_cast<i64>(sizeof(float)); // a page, hence aligned
    const i64 steps = (bytes_per_thread + kStep - 1) / kStep, n = steps * kPeakFloats;
    const int threads = max_threads();
    std::vector<float> results(static_cast<std::size_t>(threads));
    // Not the kernels' own memory: that is kept for reuse.
    const std::unique_ptr<float, Free> x(static_cast<float*>(
        std::aligned_alloc(kStep, static_cast<std::size_t>(threads * steps * kStep))));
    if (x == nullptr) throw std::bad_alloc();
    parallel(threads, [&](int thread) { // first touched where it is read
        float* mine = x.get() + thread * n;
        for (i64 i = 0; i < n; ++i) mine[i] = 1.0f;
    });
    return rates(static_cast<double>(threads * steps * kStep), sampling, [&](i64 times) {
        parallel(threads, [&](int thread) {
            results[static_cast<std::size_t>(thread)] =
                kernels.read(x.get() + thread * n, n, times);
        });
    });
}

std::vector<double> region_rates(Sampling sampling) {
    const int threads = max_threads();
    return rates(1.0, sampling, [&](i64 times) {
        for (i64 i = 0; i < times; ++i) parallel(threads, [](int) {});
    });
}

std::vector<double> barrier_rates(Sampling sampling) {
    const int threads = max_threads();
    return rates(1.0, sampling, [&](i64 times) { run_barriers(threads, times); });
}

} // namespace gw
