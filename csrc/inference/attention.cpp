#include "inference/attention.h"

namespace gw {

void AttentionInstruction::plan(Values& values) {
    check_counts(3, 3, 1);
    const Shape q = floats(values, 0, 3, 3), k = floats(values, 1, 3, 3), v = floats(values, 2, 3, 3);
    check_last(q, heads * features);
    check_last(k, key_heads * features);
    check_last(v, key_heads * value_features);
    if (k.size[0] != q.size[0] || v.size[0] != q.size[0] || v.size[1] != k.size[1])
        fail("inputs", "be of one batch, keys and values of one length",
             q.text() + ", " + k.text() + " and " + v.text());
    give(values, 0, {3, {q.size[0], q.size[1], heads * value_features}});
}

void AttentionInstruction::run(const Kernels& kernels, Values& values) {
    const Value &q = in(values, 0), &k = in(values, 1), &v = in(values, 2);
    const i64 batch = q.shape.size[0], time = q.shape.size[1], keys = k.shape.size[1];
    auto view = [](const Value& x, i64 width) {
        return HeadsView{x.floats(), x.shape.size[1] * x.shape.size[2], x.shape.size[2], width};
    };
    const Buffer<i64> offsets(batch); // all queries begin with the first key
    for (i64 b = 0; b < batch; ++b) offsets.get()[b] = 0;
    Attention a = {};
    a.batch = batch;
    a.time = time;
    a.keys = keys;
    a.heads = heads;
    a.key_heads = key_heads;
    a.features = features;
    a.value_features = value_features;
    a.q = view(q, features);
    a.k = view(k, features);
    a.v = view(v, value_features);
    a.offset = offsets.get();
    a.scale = scale;
    a.causal = causal;
    a.window = window;
    a.kept_scale = 1.0f;
    a.y = out(values).floats();
    kernels.attention_forward(a);
}

void PositionInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Shape x = floats(values, 0, 3, 3);
    check_last(x, columns);
    if (x.size[1] > rows)
        fail("inputs", "have at most " + std::to_string(rows) + " steps", "shape " + x.text());
    give(values, 0, x);
}

void PositionInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    const i64 row = x.shape.size[1] * columns;
    for (i64 b = 0; b < x.shape.size[0]; ++b) {
        float* y = out(values).floats() + b * row;
        if (added)
            kernels.binary({BinaryOp::add, row, x.floats() + b * row, table, 1, 1, y});
        else
            copy_bytes(y, table, static_cast<std::size_t>(row) * sizeof(float));
    }
}

} // namespace gw
