#include "inference/key_value_cache.h"

#include <algorithm>

namespace gw {
namespace {

constexpr i64 kLeastRoom = 64;

// Nothing but zeros: rows whose steps end earlier than others' are read past their end.
template <class T> Block<T> zeros(i64 count) {
    Block<T> block = new_block<T>(count);
    if (count > 0) std::memset(block.get(), 0, static_cast<std::size_t>(count) * sizeof(T));
    return block;
}

i64 product(i64 a, i64 b, i64 c, i64 d) { return Shape{4, {a, b, c, d}}.count(); }

} // namespace

void KeyValueCache::start(i64 rows, const Sizes& sizes, i64 most) {
    sizes_ = sizes;
    most_ = most;
    lengths_.assign(static_cast<std::size_t>(rows), 0);
    if (most > 0 && sizes.window < 0) reserve(most);
}

i64 KeyValueCache::longest() const {
    return lengths_.empty() ? 0 : *std::max_element(lengths_.begin(), lengths_.end());
}

void KeyValueCache::reserve(i64 steps) {
    if (steps <= room_) return;
    std::vector<i64> all(lengths_.size());
    for (std::size_t row = 0; row < all.size(); ++row) all[row] = static_cast<i64>(row);
    i64 room = std::max({steps, 2 * room_, kLeastRoom});
    if (most_ >= steps) room = std::min(room, most_);
    resize(room, all);
}

void KeyValueCache::make_room(i64 steps) {
    if (longest() + steps <= room_) return;
    if (sizes_.window >= 0) forget();
    reserve(longest() + steps);
}

// Moves the steps that a window still sees to the front.
void KeyValueCache::forget() {
    for (i64 row = 0; row < rows(); ++row) {
        i64& length = lengths_[static_cast<std::size_t>(row)];
        const i64 gone = length - sizes_.window;
        if (gone <= 0) continue;
        const std::size_t kept = static_cast<std::size_t>(sizes_.window);
        auto move = [&](float* of_row, i64 features) {
            for (i64 head = 0; head < sizes_.heads; ++head) {
                float* start = of_row + head * room_ * features;
                std::memmove(start, start + gone * features,
                             kept * static_cast<std::size_t>(features) * sizeof(float));
            }
        };
        move(keys(row), sizes_.features);
        move(values(row), sizes_.value_features);
        if (sizes_.masked) std::memmove(real(row), real(row) + gone, kept);
        length = sizes_.window;
    }
}

void KeyValueCache::write(i64 row, i64 at, const float* k, const float* v, bool is_real) {
    const i64 step = lengths_[static_cast<std::size_t>(row)] + at;
    auto put = [&](float* of_row, const float* from, i64 features) {
        for (i64 head = 0; head < sizes_.heads; ++head)
            copy_bytes(of_row + (head * room_ + step) * features, from + head * features,
                       static_cast<std::size_t>(features) * sizeof(float));
    };
    put(keys(row), k, sizes_.features);
    put(values(row), v, sizes_.value_features);
    if (sizes_.masked) real(row)[step] = is_real;
}

void KeyValueCache::select(const std::vector<i64>& rows) {
    std::vector<i64> lengths;
    lengths.reserve(rows.size());
    for (const i64 row : rows) lengths.push_back(lengths_[static_cast<std::size_t>(row)]);
    if (room_ > 0) resize(room_, rows);
    lengths_ = std::move(lengths);
}

// Arrays with so much room, for those of the present rows in that order. The lengths stay as they are.
void KeyValueCache::resize(i64 room, const std::vector<i64>& rows) {
    const i64 count = static_cast<i64>(rows.size());
    auto moved = [&](const Block<float>& from, i64 features) {
        Block<float> to = zeros<float>(product(count, sizes_.heads, room, features));
        for (i64 i = 0; i < count && room_ > 0; ++i) {
            const i64 row = rows[static_cast<std::size_t>(i)];
            const i64 length = lengths_[static_cast<std::size_t>(row)];
            for (i64 head = 0; head < sizes_.heads; ++head)
                copy_bytes(to.get() + (i * sizes_.heads + head) * room * features,
                           from.get() + (row * sizes_.heads + head) * room_ * features,
                           static_cast<std::size_t>(length * features) * sizeof(float));
        }
        return to;
    };
    Block<float> k = moved(keys_, sizes_.features), v = moved(values_, sizes_.value_features);
    if (sizes_.masked) {
        Block<bool> to = zeros<bool>(count * room);
        for (i64 i = 0; i < count && room_ > 0; ++i) {
            const i64 row = rows[static_cast<std::size_t>(i)];
            copy_bytes(to.get() + i * room, real(row),
                       static_cast<std::size_t>(lengths_[static_cast<std::size_t>(row)]));
        }
        real_ = std::move(to);
    }
    keys_ = std::move(k);
    values_ = std::move(v);
    room_ = room;
}

} // namespace gw
