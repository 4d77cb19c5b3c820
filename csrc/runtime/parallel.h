// The one thread pool. Kernels see it as `parallel` and never name OpenMP themselves.
#pragma once
#include "api/types.h"

namespace gw {

// Threads a region started from this thread may use (1 inside a region and after a fork).
int max_threads();
void set_max_threads(int n);

// Nanoseconds of work that are worth another thread. One that waits for work in a busy loop, as it does
// for a moment after a region, joins within a microsecond; one that sleeps takes fifty, and on a busy
// machine as long as it takes to get a processor.
constexpr double kWorthOfReady = 4000.0;
double worth_of_thread();

// Runs body(context, thread) for thread in [0, threads), FTZ/DAZ set and restored on each.
using ParallelBody = void (*)(void* context, int thread);
void run_parallel(int threads, ParallelBody body, void* context);

// Where the threads of a team wait for each other. They spin, for the waits are shorter than a
// microsecond. On a busy machine one may wait for a thread that is not running, at every step: then the
// team is better given up.
class Meeting {
  public:
    // Returns when all `threads` have called it; false if the operation was interrupted instead.
    bool wait(int threads) { return wait(threads, false); }

    // The same, and the team is given up if its meetings have been slow. All threads of one meeting read
    // the same answer from given_up(): it is settled by the last to come, before any of them goes on.
    bool wait_or_give_up(int threads) { return wait(threads, true); }
    bool given_up() const { return given_up_; }

  private:
    bool wait(int threads, bool may_give_up);

    int arrived_ = 0, slow_ = 0; // threads that are here, meetings that took long
    unsigned round_ = 0;
    bool given_up_ = false;
};

// False for a moment after a team was given up.
bool teams_pay();

// Runs body(context, thread, size) once on each thread of one team of `threads`, or of as many as there
// are to be had.
using TeamBody = void (*)(void* context, int thread, int size);
void run_team(int threads, TeamBody body, void* context);

// `count` barriers of a team of threads, to measure what one costs.
void run_barriers(int threads, i64 count);

// True when the running operation should stop. Only the thread that started it asks Python for pending
// signals, a few times a second; the others read the flag.
bool interrupted();

// Throws Interrupted on the calling thread if the last region was stopped. Outside of regions only.
struct Interrupted {};
void throw_if_interrupted();

// Atomic counter handing out tasks 0, 1, 2, ... to the threads of one region.
struct TaskCounter {
    i64 next = 0;
    i64 take() { return __atomic_fetch_add(&next, i64(1), __ATOMIC_RELAXED); }
};

namespace {

// body(thread) on `threads` threads. Internal linkage: each ISA gets its own copy.
template <class Body> void parallel(int threads, const Body& body) {
    run_parallel(
        threads,
        [](void* context, int thread) { (*static_cast<const Body*>(context))(thread); },
        const_cast<Body*>(&body));
}

// body(thread, size) on the threads of a team, which may wait for each other.
template <class Body> void parallel_team(int threads, const Body& body) {
    run_team(
        threads,
        [](void* context, int thread, int size) {
            (*static_cast<const Body*>(context))(thread, size);
        },
        const_cast<Body*>(&body));
}

// How many threads are worth having for work that takes one of them so many nanoseconds.
inline int worthwhile_threads(double nanoseconds) {
    const int limit = nanoseconds < kWorthOfReady ? 1 : max_threads();
    if (limit == 1) return 1;
    const double each = worth_of_thread();
    return nanoseconds >= each * limit ? limit : 1 + static_cast<int>(nanoseconds / each);
}

// body(task) for task in [0, tasks), handed out one by one; stops early when interrupted.
// `nanoseconds` is roughly what one task takes.
template <class Body> void parallel_tasks(i64 tasks, double nanoseconds, const Body& body) {
    const i64 limit = worthwhile_threads(nanoseconds * static_cast<double>(tasks));
    TaskCounter counter;
    parallel(static_cast<int>(tasks < limit ? tasks : limit), [&](int) {
        for (i64 task = 0; (task = counter.take()) < tasks && !interrupted();) body(task);
    });
    throw_if_interrupted();
}

} // namespace

} // namespace gw
