#include "bindings/arrays.h"
#include "runtime/dispatch.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>

namespace gw {
namespace {

// A view (B, T, N, D) of floats whose features lie in one piece.
struct Heads {
    FloatArray array;
    HeadsView view;
    i64 batch, time, heads, features;
};

template <class T> py::array aligned(const char* name, const py::object& object, int axes) {
    auto kind = [] { return std::string(py::str(py::dtype::of<T>())); };
    if (!py::isinstance<py::array>(object))
        fail_type(name, "a NumPy array of " + kind(), type_name(object));
    const auto array = py::reinterpret_borrow<py::array>(object);
    if (!holds<T>(array))
        fail_type(name, "an array of " + kind(), "one of " + std::string(py::str(array.dtype())));
    if (array.ndim() != axes)
        fail(name, "of " + std::to_string(axes) + " axes", "of shape " + shape_text(array));
    bool whole = array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    for (int axis = 0; axis < axes; ++axis)
        whole = whole && array.strides(axis) % static_cast<py::ssize_t>(sizeof(T)) == 0;
    if (!whole) fail(name, "aligned", "not so");
    return array;
}

Heads heads(const char* name, const py::object& object) {
    const py::array array = aligned<float>(name, object, 4);
    constexpr i64 kSize = sizeof(float);
    if (array.size() > 0 && array.shape(3) > 1 && array.strides(3) != kSize)
        fail(name, "of features that lie in one piece", "strided");
    return {py::reinterpret_borrow<FloatArray>(array),
            {static_cast<const float*>(array.data()), array.strides(0) / kSize,
             array.strides(1) / kSize, array.strides(2) / kSize},
            array.shape(0), array.shape(1), array.shape(2), array.shape(3)};
}

// A view (B, N, T, S); steps of zero repeat.
template <class T>
LogitsView<T> logits(const char* name, const py::object& object, const Attention& a) {
    if (object.is_none()) return {};
    const py::array array = aligned<T>(name, object, 4);
    const std::vector<i64> shape = {a.batch, a.heads, a.time, a.keys};
    i64 steps[4];
    for (int axis = 0; axis < 4; ++axis) {
        if (array.shape(axis) != shape[static_cast<std::size_t>(axis)])
            fail(name, "of shape " + shape_text(shape), shape_text(array));
        steps[axis] = array.shape(axis) > 1 ? array.strides(axis) / static_cast<i64>(sizeof(T)) : 0;
    }
    if (steps[3] != 0 && steps[3] != 1) fail(name, "of keys that lie in one piece", "strided");
    return {static_cast<const T*>(array.data()), steps[0], steps[1], steps[2], steps[3]};
}

// Everything but the results, and the arrays that must outlive the kernel.
struct Arguments {
    Attention a = {};
    std::vector<py::object> kept;

    Arguments(const py::object& q, const py::object& k, const py::object& v, const py::object& bias,
              const py::object& mask, const py::object& slopes, const py::object& offset, float scale,
              bool causal, std::optional<i64> window, std::optional<float> soft_cap, double rate,
              u64 seed, bool bf16) {
        const Heads queries = heads("q", q), keys = heads("k", k), values = heads("v", v);
        const std::vector<i64> wanted = {queries.batch, -1, -1, queries.features};
        if (keys.batch != queries.batch || keys.features != queries.features)
            fail("k", "of shape " + shape_text(wanted), shape_text(keys.array));
        const std::vector<i64> paired = {keys.batch, keys.time, keys.heads, -1};
        if (values.batch != keys.batch || values.time != keys.time || values.heads != keys.heads)
            fail("v", "of shape " + shape_text(paired), shape_text(values.array));
        if (queries.heads > 0 && (keys.heads == 0 || queries.heads % keys.heads != 0))
            fail("k", "of a number of heads that divides " + std::to_string(queries.heads),
                 std::to_string(keys.heads));
        a.batch = queries.batch;
        a.time = queries.time;
        a.keys = keys.time;
        a.heads = queries.heads;
        a.key_heads = keys.heads;
        a.features = queries.features;
        a.value_features = values.features;
        a.q = queries.view;
        a.k = keys.view;
        a.v = values.view;
        a.bias = logits<float>("bias", bias, a);
        a.mask = logits<bool>("mask", mask, a);
        const auto slope = shaped_or_none<float>("slopes", slopes, {a.heads});
        a.slopes = data_or_null(slope);
        a.offset = shaped<i64>("offset", offset, {a.batch}).data();
        a.scale = scale;
        a.causal = causal;
        a.window = window ? *window : -1;
        if (window && *window < 0) fail("window", "not negative", std::to_string(*window));
        a.soft_cap = soft_cap ? *soft_cap : 0.0f;
        if (soft_cap && !(*soft_cap > 0.0f)) fail("soft_cap", "positive", std::to_string(*soft_cap));
        if (!(rate >= 0.0 && rate < 1.0)) fail("rate", "in [0, 1)", std::to_string(rate));
        a.seed = seed;
        a.threshold = static_cast<u32>(std::floor(rate * 4294967296.0));
        a.kept_scale = static_cast<float>(1.0 / (1.0 - rate));
        a.bf16 = bf16;
        kept = {q, k, v, bias, mask, slopes, offset};
    }
};

py::tuple attention_forward(const py::object& q, const py::object& k, const py::object& v,
                            const py::object& bias, const py::object& mask,
                            const py::object& slopes, const py::object& offset, float scale,
                            bool causal, std::optional<i64> window, std::optional<float> soft_cap,
                            double rate, u64 seed, bool bf16) {
    Arguments arguments(q, k, v, bias, mask, slopes, offset, scale, causal, window, soft_cap, rate,
                        seed, bf16);
    Attention& a = arguments.a;
    FloatArray y = new_floats({a.batch, a.time, a.heads, a.value_features});
    FloatArray lse = new_floats({a.batch, a.heads, a.time});
    a.y = y.mutable_data();
    a.lse = lse.mutable_data();
    run_kernel([&] { kernels().attention_forward(a); });
    return py::make_tuple(y, lse);
}

py::tuple attention_backward(const py::object& q, const py::object& k, const py::object& v,
                             const py::object& bias, const py::object& mask,
                             const py::object& slopes, const py::object& offset, float scale,
                             const py::object& y, const py::object& lse, const py::object& dy,
                             bool causal, std::optional<i64> window, std::optional<float> soft_cap,
                             double rate, u64 seed, bool need_logits, bool bf16) {
    Arguments arguments(q, k, v, bias, mask, slopes, offset, scale, causal, window, soft_cap, rate,
                        seed, bf16);
    Attention& a = arguments.a;
    FloatArray out = shaped<float>("y", y, {a.batch, a.time, a.heads, a.value_features});
    FloatArray sums = shaped<float>("lse", lse, {a.batch, a.heads, a.time});
    a.y = const_cast<float*>(out.data()); // read here
    a.lse = const_cast<float*>(sums.data());
    const Heads slope = heads("dy", dy);
    if (slope.batch != a.batch || slope.time != a.time || slope.heads != a.heads ||
        slope.features != a.value_features)
        fail("dy", "of shape " + shape_text(out), shape_text(slope.array));
    FloatArray dq = new_floats({a.batch, a.time, a.heads, a.features});
    FloatArray dk = new_floats({a.batch, a.keys, a.key_heads, a.features});
    FloatArray dv = new_floats({a.batch, a.keys, a.key_heads, a.value_features});
    AttentionGrad g = {slope.view, dq.mutable_data(), dk.mutable_data(), dv.mutable_data(), nullptr};
    std::optional<FloatArray> dlogits;
    if (need_logits) {
        dlogits = new_floats({a.batch, a.heads, a.time, a.keys});
        std::fill_n(dlogits->mutable_data(), dlogits->size(), 0.0f);
        g.dlogits = dlogits->mutable_data();
    }
    run_kernel([&] { kernels().attention_backward(a, g); });
    return py::make_tuple(dq, dk, dv, dlogits ? py::object(*dlogits) : py::none());
}

FloatArray rotary(const py::object& x, const py::object& cosine, const py::object& sine,
                  bool inverse) {
    const Heads in = heads("x", x);
    if (in.features % 2 != 0) fail("x", "of an even number of features", shape_text(in.array));
    const FloatArray c = shaped<float>("cosine", cosine, {-1, in.time, in.features / 2});
    if (c.shape(0) != 1 && c.shape(0) != in.batch)
        fail("cosine", "of 1 or " + std::to_string(in.batch) + " rows", std::to_string(c.shape(0)));
    const FloatArray s = shaped<float>("sine", sine, {c.shape(0), in.time, in.features / 2});
    FloatArray y = new_floats({in.batch, in.time, in.heads, in.features});
    const Rotary r = {in.batch, in.time,  in.heads,         in.features, in.view,
                      c.data(), s.data(), c.shape(0) != 1, inverse,     y.mutable_data()};
    run_kernel([&] { kernels().rotary(r); });
    return y;
}

} // namespace
} // namespace gw

void bind_attention(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("attention_forward", &gw::attention_forward, py::arg("q"), py::arg("k"), py::arg("v"),
          py::arg("bias"), py::arg("mask"), py::arg("slopes"), py::arg("offset"), py::arg("scale"),
          py::arg("causal") = false, py::arg("window") = py::none(),
          py::arg("soft_cap") = py::none(), py::arg("rate") = 0.0, py::arg("seed") = 0,
          py::arg("bf16") = false);
    m.def("attention_backward", &gw::attention_backward, py::arg("q"), py::arg("k"), py::arg("v"),
          py::arg("bias"), py::arg("mask"), py::arg("slopes"), py::arg("offset"), py::arg("scale"),
          py::arg("y"), py::arg("lse"), py::arg("dy"), py::arg("causal") = false,
          py::arg("window") = py::none(), py::arg("soft_cap") = py::none(), py::arg("rate") = 0.0,
          py::arg("seed") = 0, py::arg("need_logits") = false, py::arg("bf16") = false);
    m.def("rotary", &gw::rotary, py::arg("x"), py::arg("cosine"), py::arg("sine"),
          py::arg("inverse") = false);
}
