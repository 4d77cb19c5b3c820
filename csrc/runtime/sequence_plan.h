// Builds the order in which the steps of a batch are computed (see SequencePlan).
#pragma once
#include "api/recurrent.h"

#include <vector>

namespace gw {

class PlanStorage {
  public:
    PlanStorage() = default;
    PlanStorage(i64 batch, i64 time, const bool* mask, bool go_backwards) {
        set(batch, time, mask, go_backwards);
    }
    PlanStorage(const PlanStorage&) = delete;
    PlanStorage& operator=(const PlanStorage&) = delete;

    // mask [batch, time], true = real step; null: every step is real. Takes no memory where the plan
    // before it was as large.
    void set(i64 batch, i64 time, const bool* mask, bool go_backwards);
    const SequencePlan& plan() const { return plan_; }

  private:
    std::vector<i64> rows_, lengths_, real_, active_, start_, position_;
    SequencePlan plan_ = {};
};

} // namespace gw
