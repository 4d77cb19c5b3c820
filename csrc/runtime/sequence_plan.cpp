#include "runtime/sequence_plan.h"

#include <algorithm>
#include <numeric>

namespace gw {

void PlanStorage::set(i64 batch, i64 time, const bool* mask, bool go_backwards) {
    rows_.resize(static_cast<std::size_t>(batch));
    std::iota(rows_.begin(), rows_.end(), i64(0));
    lengths_.assign(static_cast<std::size_t>(batch), time);
    bool ragged = false;
    if (mask != nullptr) {
        real_.resize(static_cast<std::size_t>(batch));
        for (i64 b = 0; b < batch; ++b)
            real_[static_cast<std::size_t>(b)] = std::count(mask + b * time, mask + (b + 1) * time, true);
        std::sort(rows_.begin(), rows_.end(), [&](i64 a, i64 b) {
            const i64 first = real_[static_cast<std::size_t>(a)], second = real_[static_cast<std::size_t>(b)];
            return first > second || (first == second && a < b);
        });
        for (std::size_t j = 0; j < rows_.size(); ++j) {
            lengths_[j] = real_[static_cast<std::size_t>(rows_[j])];
            ragged |= lengths_[j] != time;
        }
    }
    if (ragged) {
        position_.resize(static_cast<std::size_t>(batch * time));
        for (i64 j = 0; j < batch; ++j) {
            const bool* real = mask + rows_[static_cast<std::size_t>(j)] * time;
            i64* position = position_.data() + j * time;
            for (i64 p = 0; p < time; ++p)
                if (real[go_backwards ? time - 1 - p : p]) *position++ = p;
        }
    }
    const i64 steps = batch > 0 ? lengths_[0] : 0;
    active_.reserve(static_cast<std::size_t>(time));
    start_.reserve(static_cast<std::size_t>(time) + 1);
    active_.resize(static_cast<std::size_t>(steps));
    start_.resize(static_cast<std::size_t>(steps) + 1);
    i64 active = batch, token = 0;
    for (i64 s = 0; s < steps; ++s) {
        while (lengths_[static_cast<std::size_t>(active - 1)] <= s) --active;
        active_[static_cast<std::size_t>(s)] = active;
        start_[static_cast<std::size_t>(s)] = token;
        token += active;
    }
    start_[static_cast<std::size_t>(steps)] = token;
    plan_ = {batch,          time,          steps,         token,
             rows_.data(),   lengths_.data(), active_.data(), start_.data(),
             ragged ? position_.data() : nullptr, ragged};
}

} // namespace gw
