// Builds the order in which the steps of a batch are computed (see SequencePlan).
#pragma once
#include "api/recurrent.h"

#include <vector>

namespace gw {

class PlanStorage {
  public:
    // mask [batch, time], true = real step; null: every step is real.
    PlanStorage(i64 batch, i64 time, const bool* mask, bool go_backwards);
    const SequencePlan& plan() const { return plan_; }

  private:
    std::vector<i64> rows_, lengths_, active_, start_, position_;
    SequencePlan plan_;
};

} // namespace gw
