#include "runtime/parallel.h"
#include "runtime/interrupt.h"
#include "runtime/team.h"
#include "runtime/tiles.h"

#include <pthread.h>
#include <sched.h>
#include <ctime>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gw {

__thread i32 tiles_configured = 0;

namespace {

// At the end of a region. The instruction is spelled out: only who configured tiles may know it.
void release_tiles() {
    if (tiles_configured == 0) return;
#if defined(__x86_64__) && !defined(GATEWORK_EMULATE_AVX512)
    __asm__ volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0xc0"); // tilerelease
#endif
    tiles_configured = 0;
}

// Denormal numbers cost a hundred times a normal one on many processors, and decaying states produce
// them. Flush them to zero inside kernels only: the caller's mode comes back on exit.
class FlushDenormals {
  public:
    FlushDenormals() : saved_(read()) { write(saved_ | kFlush); }
    ~FlushDenormals() { write(saved_); }
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

  private:
#if defined(__x86_64__)
    using Word = unsigned;
    static constexpr Word kFlush = 0x8040; // FTZ | DAZ
    static Word read() { return _mm_getcsr(); }
    static void write(Word word) { _mm_setcsr(word); }
#elif defined(__aarch64__)
    using Word = u64;
    static constexpr Word kFlush = Word(1) << 24; // FZ
    static Word read() {
        Word word;
        __asm__ volatile("mrs %0, fpcr" : "=r"(word));
        return word;
    }
    static void write(Word word) { __asm__ volatile("msr fpcr, %0" : : "r"(word)); }
#else
    using Word = unsigned;
    static constexpr Word kFlush = 0;
    static Word read() { return 0; }
    static void write(Word) {}
#endif
    Word saved_;
};

// OpenMP's worker threads do not survive a fork, and its pool does not know it: a child runs alone.
bool forked = false;
[[maybe_unused]] const int threads_after_fork =
    pthread_atfork(nullptr, nullptr, [] { forked = true; });

thread_local bool inside_region = false;

class Inside {
  public:
    Inside() : outer_(inside_region) { inside_region = true; }
    ~Inside() { inside_region = outer_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

  private:
    bool outer_;
};

// After a team was given up, the next one waits: not for long where the machine was calm before, for one
// interruption says little about the next; longer each time where teams do not last.
constexpr i64 kFirstWait = 10, kLongestWait = 200, kCalm = 100; // milliseconds
i64 alone_until = 0, last_wait = 0;

i64 milliseconds() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return i64(t.tv_sec) * 1000 + t.tv_nsec / 1000000;
}

void give_teams_up() {
    const i64 now = milliseconds(), calm = now - __atomic_load_n(&alone_until, __ATOMIC_RELAXED);
    const i64 before = __atomic_load_n(&last_wait, __ATOMIC_RELAXED);
    const i64 wait = calm > kCalm ? kFirstWait : 2 * before < kLongestWait ? 2 * before : kLongestWait;
    __atomic_store_n(&last_wait, wait, __ATOMIC_RELAXED);
    __atomic_store_n(&alone_until, now + wait, __ATOMIC_RELAXED);
}

constexpr double kWorthOfSleeping = 40000.0;
constexpr i64 kReadyFor = 200000;  // nanoseconds; what _openmp.py sets takes 200000 to 800000
thread_local i64 last_region = 0;  // when one of several threads ended: each thread has helpers of its own

i64 nanoseconds() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return i64(t.tv_sec) * 1000000000 + t.tv_nsec;
}

} // namespace

int max_threads() { return inside_region || forked ? 1 : team::wanted(); }

void set_max_threads(int n) { team::want(n); }

double worth_of_thread() {
    return nanoseconds() - last_region < kReadyFor ? kWorthOfReady : kWorthOfSleeping;
}

namespace {

// body(thread, size) on a team, each of its threads in the caller's operation and flushing denormals.
template <class Body> void run_region(int threads, const Body& body) {
    const Inside inside;
    if (threads <= 1) {
        FlushDenormals flush;
        body(0, 1);
        return release_tiles();
    }
    RegionState* region = current_region();
    team::run(threads, [&](int thread, int size) {
        join_region(region);
        FlushDenormals flush;
        body(thread, size);
        release_tiles();
    });
    join_region(region);
    last_region = nanoseconds();
}

} // namespace

void run_parallel(int threads, ParallelBody body, void* context) {
    // A team may be smaller than asked for (OMP_THREAD_LIMIT, dynamic adjustment).
    run_region(threads, [&](int thread, int size) {
        for (int t = thread; t < (threads > 1 ? threads : 1); t += size) body(context, t);
    });
}

void run_team(int threads, TeamBody body, void* context) {
    run_region(threads, [&](int thread, int size) { body(context, thread, size); });
}

bool Meeting::wait(int threads, bool may_give_up) {
    constexpr int kSpins = 4096; // some 50 microseconds
    constexpr int kPatience = 3;
    const unsigned round = __atomic_load_n(&round_, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&arrived_, 1, __ATOMIC_ACQ_REL) == threads) {
        if (may_give_up && __atomic_load_n(&slow_, __ATOMIC_RELAXED) >= kPatience) {
            given_up_ = true;
            give_teams_up();
        }
        __atomic_store_n(&arrived_, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&round_, round + 1, __ATOMIC_RELEASE);
        return true;
    }
    for (int spins = 0; __atomic_load_n(&round_, __ATOMIC_ACQUIRE) == round; ++spins) {
        if (spins == kSpins && round > 0) // at the first meeting, threads may still be waking up
            __atomic_fetch_add(&slow_, 1, __ATOMIC_RELAXED);
        if (spins < kSpins) {
#if defined(__x86_64__)
            _mm_pause();
#endif
        } else {
            if (interrupted()) return false;
            sched_yield();
        }
    }
    return true;
}

bool teams_pay() { return milliseconds() >= __atomic_load_n(&alone_until, __ATOMIC_RELAXED); }

void run_barriers([[maybe_unused]] int threads, [[maybe_unused]] i64 count) {
#ifdef _OPENMP // what is measured is the runtime's
#pragma omp parallel num_threads(threads)
    for (i64 i = 0; i < count; ++i) {
#pragma omp barrier
    }
#endif
}

} // namespace gw
