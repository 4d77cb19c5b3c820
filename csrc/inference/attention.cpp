#include "inference/attention.h"

#include <algorithm>

namespace gw {

void AttentionInstruction::plan(Values& values) {
    const std::size_t wanted = 3u + query_masked + key_masked + pair_masked;
    check_counts(wanted, wanted, 1);
    const i64 widths[3] = {heads * features, key_heads * features, key_heads * value_features};
    for (std::size_t i = 0; i < 3; ++i) {
        const Shape& x = floats(values, i, 3, 3);
        if (x.last() < columns[i] + widths[i])
            fail("inputs", "have at least " + std::to_string(columns[i] + widths[i]) + " features",
                 "shape " + x.text());
    }
    const Shape q = in(values, 0).shape, k = in(values, 1).shape, v = in(values, 2).shape;
    if (k.size[0] != q.size[0] || v.size[0] != q.size[0] || v.size[1] != k.size[1])
        fail("inputs", "be of one batch, keys and values of one length",
             q.text() + ", " + k.text() + " and " + v.text());
    if (streams() && k.size[1] != q.size[1])
        fail("keys", "be as many as the queries of their sequence", std::to_string(k.size[1]));
    if (streams() && q.size[0] != cache_->rows())
        fail("inputs", "have " + std::to_string(cache_->rows()) + " rows, as the stream has", q.text());
    auto check_steps = [&](const char* mask, std::size_t i, const Shape& of) {
        const Shape& found = checked(values, i, ValueKind::mask, 2, 2).shape;
        if (found.size[0] != of.size[0] || found.size[1] != of.size[1])
            fail(mask, "have the batch and time of " + of.text(), found.text());
    };
    if (query_masked) check_steps("query_mask", place(false), q);
    if (key_masked) check_steps("key_mask", place(true), k);
    if (pair_masked) {
        const Shape& pairs = checked(values, wanted - 1, ValueKind::mask, 3, 4).shape;
        const i64 full[4] = {q.size[0], heads, q.size[1], k.size[1]};
        bool fits = true;
        for (int axis = 0; axis < 4; ++axis) {
            if (axis == 1 && pairs.axes == 3) continue;
            const i64 n = pairs.size[axis > 1 && pairs.axes == 3 ? axis - 1 : axis];
            fits = fits && (n == 1 || n == full[axis]);
        }
        if (!fits || streams())
            fail("attention_mask", "broadcast to the scores of whole sequences", pairs.text());
    }
    give(values, 0, {3, {q.size[0], q.size[1], heads * value_features}});
}

namespace {

HeadsView view(const Value& x, i64 column, i64 width) {
    return {x.floats() + column, x.shape.size[1] * x.shape.last(), x.shape.last(), width};
}

// The mask of pairs as a view of (batch, heads, time, keys); steps of zero repeat.
LogitsView<bool> pair_view(const Value& mask) {
    const Shape& s = mask.shape;
    const bool of_heads = s.axes == 4;
    const i64 keys = s.last(), time = s.size[s.axes - 2], heads = of_heads ? s.size[1] : 1;
    return {mask.mask(), s.size[0] > 1 ? heads * time * keys : 0, heads > 1 ? time * keys : 0,
            time > 1 ? keys : 0, keys > 1 ? 1 : 0};
}

} // namespace

LogitsView<bool> AttentionInstruction::mask(const Values& values, Buffer<bool>& joined) const {
    const i64 batch = in(values, 0).shape.size[0], time = in(values, 0).shape.size[1];
    const i64 keys = in(values, 1).shape.size[1];
    if (streams()) {
        if (!key_masked) return {};
        return {cache_->real(0), cache_->room(), 0, 0, 1};
    }
    LogitsView<bool> pairs = {};
    if (pair_masked) pairs = pair_view(in(values, inputs.size() - 1));
    if (!key_masked) return pairs;
    const bool* real = in(values, place(true)).mask();
    if (!pair_masked) return {real, keys, 0, 0, 1};
    const i64 of_heads = pairs.head != 0 ? heads : 1, times = pairs.time != 0 ? time : 1;
    const i64 count = batch * of_heads * times * keys;
    if (count <= 0) return {};
    joined = Buffer<bool>(count);
    bool* to = joined.get();
    for (i64 b = 0; b < batch; ++b)
        for (i64 n = 0; n < of_heads; ++n)
            for (i64 t = 0; t < times; ++t)
                for (i64 s = 0; s < keys; ++s)
                    *to++ = real[b * keys + s] && pairs.data[b * pairs.batch + n * pairs.head +
                                                             t * pairs.time + s * pairs.key];
    return {joined.get(), of_heads * times * keys, of_heads > 1 ? times * keys : 0, times > 1 ? keys : 0, 1};
}

// Writes the keys and values of these steps behind those of the stream.
void AttentionInstruction::keep(const Values& values) {
    const Value &k = in(values, 1), &v = in(values, 2);
    const bool* real = key_masked ? in(values, place(true)).mask() : nullptr;
    for (i64 b = 0; b < k.shape.size[0]; ++b)
        for (i64 t = 0; t < steps_; ++t) {
            const i64 step = b * steps_ + t;
            cache_->write(b, t, k.floats() + step * k.shape.last() + columns[1],
                          v.floats() + step * v.shape.last() + columns[2], real == nullptr || real[step]);
        }
}

void AttentionInstruction::run(const Kernels& kernels, Values& values) {
    const Value& q = in(values, 0);
    const i64 batch = q.shape.size[0], time = q.shape.size[1];
    steps_ = time;
    Attention a = {};
    a.batch = batch;
    a.time = time;
    a.heads = heads;
    a.key_heads = key_heads;
    a.features = features;
    a.value_features = value_features;
    a.q = view(q, columns[0], features);
    const Buffer<i64> offsets(batch);
    if (streams()) {
        keep(values);
        const i64 room = cache_->room();
        a.keys = cache_->longest() + time;
        a.k = {cache_->keys(0), key_heads * room * features, features, room * features};
        a.v = {cache_->values(0), key_heads * room * value_features, value_features, room * value_features};
        a.offset = cache_->lengths();
    } else {
        for (i64 b = 0; b < batch; ++b) offsets.get()[b] = 0; // all queries begin with the first key
        a.keys = in(values, 1).shape.size[1];
        a.k = view(in(values, 1), columns[1], features);
        a.v = view(in(values, 2), columns[2], value_features);
        a.offset = offsets.get();
    }
    Buffer<bool> joined;
    a.mask = mask(values, joined);
    a.slopes = slopes;
    a.scale = scale;
    a.soft_cap = soft_cap;
    a.causal = causal;
    a.window = window;
    a.kept_scale = 1.0f;
    a.y = out(values).floats();
    kernels.attention_forward(a);
    if (!query_masked) return;
    const bool* real = in(values, place(false)).mask();
    const i64 width = heads * value_features;
    for (i64 row = 0; row < batch * time; ++row)
        if (!real[row]) std::fill_n(a.y + row * width, width, 0.0f);
}

void AttentionInstruction::keep_states(i64 batch, i64 most) {
    streams_ = true;
    if (of_stream) cache_->start(batch, {key_heads, features, value_features, key_masked, window}, most);
}

void AttentionInstruction::make_ready(const Values& values) {
    if (!streams()) return;
    const i64 steps = in(values, 0).shape.size[1];
    if (const i64 all = cache_->longest() + steps; !cache_->may_have(all))
        fail("steps", "be at most the max_length of the session in all", std::to_string(all));
    cache_->make_room(steps);
}

void AttentionInstruction::advance() {
    if (streams()) cache_->advance(steps_);
}

std::vector<StateArray> AttentionInstruction::states() {
    if (!streams()) return {};
    const i64 rows = cache_->rows(), steps = cache_->longest();
    std::vector<StateArray> found = {{"keys", {rows, key_heads, steps, features}, 2},
                                     {"values", {rows, key_heads, steps, value_features}, 2},
                                     {"length", {rows}}};
    if (key_masked) found.push_back({"real", {rows, steps}, 1});
    return found;
}

void AttentionInstruction::read_state(std::size_t i, float* to) {
    const i64 rows = cache_->rows(), steps = cache_->longest(), room = cache_->room();
    for (i64 row = 0; row < rows; ++row) {
        const i64 length = cache_->lengths()[row];
        if (i == 2) {
            *to++ = static_cast<float>(length);
        } else if (i == 3) {
            for (i64 s = 0; s < steps; ++s) *to++ = s < length && cache_->real(row)[s] ? 1.0f : 0.0f;
        } else {
            const i64 width = i == 0 ? features : value_features;
            for (i64 head = 0; head < key_heads; ++head, to += steps * width) {
                std::fill_n(to, steps * width, 0.0f);
                if (length > 0)
                    copy_bytes(to, (i == 0 ? cache_->keys(row) : cache_->values(row)) + head * room * width,
                               static_cast<std::size_t>(length * width) * sizeof(float));
            }
        }
    }
}

void AttentionInstruction::check_states(const std::vector<GivenState>& given) {
    if (!streams()) return;
    const i64 steps = given[0].shape[2];
    if (given[1].shape[2] != steps || (key_masked && given[3].shape[1] != steps))
        fail("keys and values", "be of one number of steps", std::to_string(given[1].shape[2]));
    for (i64 row = 0; row < cache_->rows(); ++row) {
        const float length = given[2].data[row];
        if (!(length >= 0.0f && length <= static_cast<float>(steps)) || length != static_cast<float>(static_cast<i64>(length)))
            fail("length", "hold whole numbers in [0, " + std::to_string(steps) + "]", std::to_string(length));
    }
    if (!cache_->may_have(steps))
        fail("steps", "be at most the max_length of the session", std::to_string(steps));
    cache_->reserve(steps);
}

void AttentionInstruction::write_states(const std::vector<GivenState>& given) {
    if (!streams()) return;
    const i64 steps = given[0].shape[2], room = cache_->room();
    for (i64 row = 0; row < cache_->rows(); ++row) {
        const i64 length = static_cast<i64>(given[2].data[row]);
        for (int i = 0; i < 2; ++i) {
            const i64 width = i == 0 ? features : value_features;
            float* to = i == 0 ? cache_->keys(row) : cache_->values(row);
            for (i64 head = 0; head < key_heads; ++head)
                copy_bytes(to + head * room * width,
                           given[static_cast<std::size_t>(i)].data + (row * key_heads + head) * steps * width,
                           static_cast<std::size_t>(length * width) * sizeof(float));
        }
        for (i64 s = 0; key_masked && s < length; ++s)
            cache_->real(row)[s] = given[3].data[row * steps + s] != 0.0f;
        cache_->set_length(row, length);
    }
}

void AttentionInstruction::reset_row(i64 row) {
    if (streams()) cache_->set_length(row, 0);
}

void AttentionInstruction::select_rows(const std::vector<i64>& rows) {
    if (streams()) cache_->select(rows);
}

} // namespace gw
