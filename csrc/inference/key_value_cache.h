// The keys and values of the steps that a stream has seen, in arrays with room for more.
#pragma once
#include "inference/values.h"

namespace gw {

// Element (row, head, step, d) of the keys; the values likewise. Each row has a length of its own, and so
// many heads that each lie in one piece: a query reads them as fast as memory gives them.
class KeyValueCache {
  public:
    struct Sizes {
        i64 heads, features, value_features;
        bool masked; // whether steps may be left out
        i64 window;  // steps before the next that are still looked at; negative: all
    };

    void start(i64 rows, const Sizes& sizes, i64 most);

    i64 rows() const { return static_cast<i64>(lengths_.size()); }
    i64 room() const { return room_; }
    i64 longest() const;
    const i64* lengths() const { return lengths_.data(); }
    float* keys(i64 row) const { return keys_.get() + row * sizes_.heads * room_ * sizes_.features; }
    float* values(i64 row) const { return values_.get() + row * sizes_.heads * room_ * sizes_.value_features; }
    bool* real(i64 row) const { return real_.get() + row * room_; }

    // Whether rows may have so many steps.
    bool may_have(i64 steps) const { return most_ == 0 || sizes_.window >= 0 || steps <= most_; }
    // Room for so many steps in each row.
    void reserve(i64 steps);
    // Room for so many more steps behind those of each row; it grows by doubling. Of rows with a window,
    // what nobody looks at any more goes first.
    void make_room(i64 steps);
    // Writes behind a row's last step: a step's heads lie side by side. Its length stays as it is.
    void write(i64 row, i64 at, const float* keys, const float* values, bool real);
    void advance(i64 steps) {
        for (i64& length : lengths_) length += steps;
    }
    void set_length(i64 row, i64 length) { lengths_[static_cast<std::size_t>(row)] = length; }
    void select(const std::vector<i64>& rows);

  private:
    void forget();
    void resize(i64 room, const std::vector<i64>& rows);

    Sizes sizes_ = {};
    i64 most_ = 0, room_ = 0;
    std::vector<i64> lengths_;
    Block<float> keys_, values_;
    Block<bool> real_;
};

} // namespace gw
