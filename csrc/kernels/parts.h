// How the time loop is divided between threads: by rows, or by units where rows are few.
#pragma once
#include "kernels/sequence_io.h"
#include "kernels/step_buffers.h"

namespace gw::GW_ISA {
namespace {

// What a thread has to do: all units of its own rows, or its own panels and units of all rows in a team
// that meets at every step.
struct Part {
    i64 first, last; // ranks
    i64 thread = 0, size = 1;
    Meeting* meeting = nullptr;

    // Ranks one by one, and panels four by four, in turn: those that one thread has are alike in work.
    template <class F> void for_ranks(const F& f) const {
        for (i64 rank = first + thread; rank < last; rank += size) f(rank);
    }
    // f(panel, the one after it); the last has itself after it.
    template <class F> void for_panels(i64 begin, i64 end, bool backwards, const F& f) const {
        constexpr i64 kRun = 64 / kPanel > 0 ? 64 / kPanel : 1;
        const i64 runs = (end - begin + kRun - 1) / kRun, mine = (runs - thread + size - 1) / size;
        const i64 whole = mine * kRun; // those of the last run may be fewer
        auto panel = [&](i64 n) {
            if (backwards) n = whole - 1 - n;
            return begin + (n / kRun * size + thread) * kRun + n % kRun;
        };
        for (i64 n = 0; n < whole; ++n) {
            const i64 i = panel(n);
            if (i >= end) continue;
            const i64 after = n + 1 < whole ? panel(n + 1) : i;
            f(i, after < end ? after : i);
        }
    }
    // Units from unit(0) to unit(1), whole panels of them.
    i64 unit(i64 end, i64 padded) const {
        const i64 panels = (padded + kPanel - 1) / kPanel;
        return min64(panels * (thread + end) / size * kPanel, padded);
    }
    // Waits until all threads that share these rows are here; false: stop.
    bool meet() const { return meeting == nullptr || meeting->wait(static_cast<int>(size)); }
    // The same, and the team may be given up: then the first thread goes on with all of the work.
    bool meet_or_part() {
        if (meeting == nullptr) return true;
        if (!meeting->wait_or_give_up(static_cast<int>(size))) return false;
        if (!meeting->given_up()) return true;
        size = 1;
        meeting = nullptr;
        return thread == 0;
    }
};

// How many threads share all rows, each with its part of the weights; 1: each has rows of its own. They
// share where fewer rows than would pay for reading all weights fall to each, if a step is long enough to
// be worth meeting for, and if h is what the cell puts out: a projection needs all units of it, and so
// does layer normalization. Words of a row that is
// rounded are made once: by the one thread that it belongs to.
template <class Cell> i64 team_size(const Recurrent& r, i64 threads) {
    constexpr double kStep = 1500.0;  // nanoseconds of work a thread needs between two meetings
    constexpr double kPerFloat = 0.05; // nanoseconds to read one from a cache further away
    const double weights = static_cast<double>(Cell::gates * padded_units(r.units) * r.outputs);
    const i64 rows = r.plan.batch / threads;
    const bool few = rows < 2, large = weights > 4.0 * kCachedWeights && rows < 6,
               huge = weights > 32.0 * kCachedWeights && rows < 24;
    if ((!few && !large && !huge) || threads < 2 || projects(r) || normalizes<Cell> ||
        words_of(r) != Words::floats ||
        !teams_pay())
        return 1;
    const double step = weights * kPerFloat + multiply_nanoseconds(r.plan.batch, 1, 1) * weights / 4;
    return min64(threads, 1 + static_cast<i64>(step / kStep));
}

// Runs body(part) on parts that together are everything. Rows of their own go through all steps by
// themselves. Where the weights stay in the cache between steps, small blocks of rows keep everything
// else there too; where they do not, each thread takes one block, so that they are read as seldom as
// possible.
template <class Cell, class Body> void for_parts(const Recurrent& r, const Body& body) {
    constexpr i64 kBlockRows = 48;
    const SequencePlan& plan = r.plan;
    const i64 weights = weights_of<Cell>(r);
    if (plan.batch == 0) return;
    i64 threads = worthwhile_threads(multiply_nanoseconds(plan.tokens, weights, 1));
    if (const i64 size = team_size<Cell>(r, threads); size > 1) {
        Meeting meeting;
        parallel_team(static_cast<int>(size), [&](int thread, int threads_had) {
            Part part = {0, plan.batch, thread, threads_had, nullptr};
            if (threads_had > 1) part.meeting = &meeting;
            body(part);
        });
        throw_if_interrupted();
        return;
    }
    threads = min64(threads, plan.batch);
    i64 blocks = threads;
    if (weights <= kCachedWeights)
        blocks = round_up((plan.batch + kBlockRows - 1) / kBlockRows, threads);
    TaskCounter counter;
    parallel(static_cast<int>(threads), [&](int) {
        for (i64 block = 0; (block = counter.take()) < blocks;)
            body(Part{rank_boundary(plan, block, blocks), rank_boundary(plan, block + 1, blocks)});
    });
    throw_if_interrupted();
}

} // namespace
} // namespace gw::GW_ISA
