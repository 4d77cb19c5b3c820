#include "runtime/interrupt.h"
#include "runtime/parallel.h"

#include <ctime>

namespace gw {
namespace {

constexpr double kPollSeconds = 0.05;

thread_local RegionState* region = nullptr;
thread_local bool owner = false; // this thread made the operation

double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

} // namespace

RegionState* current_region() { return region; }

void join_region(RegionState* state) {
    if (!owner) region = state;
}

bool interrupted() {
    if (region == nullptr) return false;
    if (region->stop.load(std::memory_order_relaxed)) return true;
    if (!owner || now() < region->next_poll) return false;
    region->next_poll = now() + kPollSeconds;
    if (region->poll()) region->stop.store(true, std::memory_order_relaxed);
    return region->stop.load(std::memory_order_relaxed);
}

void throw_if_interrupted() {
    if (region != nullptr && owner && region->stop.load(std::memory_order_relaxed))
        throw Interrupted();
}

Operation::Operation(bool (*poll)()) : previous_(region), own_{poll, now() + kPollSeconds, {}} {
    if (previous_ != nullptr) return; // nested: the outer operation polls
    region = &own_;
    owner = true;
}

Operation::~Operation() {
    if (previous_ != nullptr) return;
    region = nullptr;
    owner = false;
}

} // namespace gw
