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

// What one update reads and changes. Slots are what an optimizer keeps beside the weights, in the order
// in which its rule names them; one that is not in use has null data and reads as zero.
struct WeightLists {
    ParameterList params, grads, slots[3];
    float scale; // gradients are multiplied by it first
    float decay; // w -= decay * w, before the rule
};

// The rules: their numbers, rounded to float once. `fresh` is 1 minus the rate of a running mean. Which
// slots a rule always has, and which it may have, is said bit by bit: 1, 2, 4 for the three.

struct Sgd { // slots: velocity
    static constexpr unsigned kAlways = 0, kOptional = 1;
    float lr, momentum;
    bool nesterov;
};

struct Rmsprop { // slots: v, momentum, average gradient
    static constexpr unsigned kAlways = 1, kOptional = 6;
    float lr, rho, fresh, momentum, epsilon;
    bool centered;
};

struct Adam { // slots: m, v, largest v
    static constexpr unsigned kAlways = 3, kOptional = 4;
    float alpha; // lr * sqrt(1 - beta_2^t) / (1 - beta_1^t)
    float fresh_1, fresh_2, epsilon;
    bool amsgrad;
};

struct Adamax { // slots: m, norm
    static constexpr unsigned kAlways = 3, kOptional = 0;
    float alpha; // lr / (1 - beta_1^t)
    float beta_2, fresh_1, epsilon;
};

struct Nadam { // slots: m, v
    static constexpr unsigned kAlways = 3, kOptional = 0;
    float lr, from_m, from_g; // the step is lr * (from_m * m + from_g * g) / (sqrt(v * unbias) + epsilon)
    float unbias;             // 1 / (1 - beta_2^t)
    float fresh_1, fresh_2, epsilon;
};

struct Adagrad { // slots: sum of squares
    static constexpr unsigned kAlways = 1, kOptional = 0;
    float lr, epsilon;
};

struct Adadelta { // slots: mean square of g, mean square of the steps
    static constexpr unsigned kAlways = 3, kOptional = 0;
    float lr, rho, fresh, epsilon;
};

struct Lion { // slots: m
    static constexpr unsigned kAlways = 1, kOptional = 0;
    float lr, beta_1, fresh_1, beta_2, fresh_2;
};

struct Ftrl { // slots: sum of squares, linear
    static constexpr unsigned kAlways = 3, kOptional = 0;
    float lr, power, l1, l2, shrinkage; // power = -learning_rate_power, l2 with beta / (2 lr) in it
};

struct ScheduleFreeAdam { // slots: z, v
    static constexpr unsigned kAlways = 3, kOptional = 0;
    float lr, beta_1, fresh_1, fresh_2, epsilon;
    float unbias; // 1 / (1 - beta_2^t)
    float share;  // 1 / t, what z counts for in the mean
};

} // namespace gw
