// Ctrl-C inside long kernels.
#pragma once
#include <atomic>

namespace gw {

// One running operation: the flag its threads share, and how the thread that began it asks Python.
struct RegionState {
    bool (*poll)();
    double next_poll;
    std::atomic<bool> stop{false};
};

RegionState* current_region();  // of this thread
void join_region(RegionState*); // by every thread of a team

// Called by the bindings around an operation. `poll` returns true when a signal handler raised; it takes
// the GIL itself and is only called on the thread that made the Operation.
class Operation {
  public:
    explicit Operation(bool (*poll)());
    ~Operation();
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

  private:
    RegionState* previous_;
    RegionState own_; // a part of the operation: a short one makes no allocation
};

} // namespace gw
