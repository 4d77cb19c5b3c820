// Contracts of the optimizer updates: one call updates every weight of a model, in place.
#pragma once
#include "api/types.h"

namespace gw {

// `count` arrays; array i has sizes[i] floats.
struct ParameterList {
    i64 count;
    const i64* sizes;
    float* const* data;
};

struct SgdUpdate {
    ParameterList params, grads, velocities; // velocities.data == null without momentum
    float lr, momentum, scale;
    bool nesterov;
};

struct RmspropUpdate {
    ParameterList params, grads, v, momentums, averages; // the last two may have null data
    float lr, rho, fresh, momentum, epsilon, scale; // fresh = 1 - rho, rounded once
};

struct AdamUpdate {
    ParameterList params, grads, m, v, v_hat; // v_hat.data == null without amsgrad
    float alpha; // lr * sqrt(1 - beta_2^t) / (1 - beta_1^t)
    float decay; // lr * weight_decay: w -= decay * w before the update
    float fresh_1, fresh_2, epsilon, scale; // 1 - beta_1 and 1 - beta_2, rounded once
};

} // namespace gw
