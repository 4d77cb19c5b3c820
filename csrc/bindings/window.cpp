#include "bindings/arrays.h"
#include "runtime/dispatch.h"

namespace gw {
namespace {

using Steps = py::array_t<i64>;
using Winners = py::array_t<i32>;

constexpr i64 kMost = (i64(1) << 31) - 1; // a winner is told in 32 bits

struct Windows {
    Steps begins, ends;
};

Windows windows(const py::object& begins, const py::object& ends, i64 time) {
    const Steps first = shaped<i64>("begins", begins, {-1});
    const Windows w = {first, shaped<i64>("ends", ends, {first.size()})};
    if (time > kMost) fail("time", "at most " + std::to_string(kMost), std::to_string(time));
    for (i64 i = 0; i < w.begins.size(); ++i) {
        const i64 begin = w.begins.data()[i], end = w.ends.data()[i];
        if (begin < 0 || begin >= end || end > time)
            fail("window " + std::to_string(i),
                 "of one step or more within [0, " + std::to_string(time) + ")",
                 "[" + std::to_string(begin) + ", " + std::to_string(end) + ")");
    }
    return w;
}

Pool pool(const FloatArray& x, const Windows& w, FloatArray& y) {
    return {x.shape(0),      x.shape(1),    x.shape(2), w.begins.size(),    w.begins.data(),
            w.ends.data(),   x.data(),      y.mutable_data(),  nullptr};
}

py::tuple max_pool_forward(const py::object& x, const py::object& begins, const py::object& ends,
                           bool keep) {
    const FloatArray in = shaped<float>("x", x, {-1, -1, -1});
    const Windows w = windows(begins, ends, in.shape(1));
    const std::vector<i64> shape = {in.shape(0), w.begins.size(), in.shape(2)};
    FloatArray y = new_floats(shape);
    Pool p = pool(in, w, y);
    py::object kept = py::none();
    if (keep) {
        Winners winner(std::vector<py::ssize_t>(shape.begin(), shape.end()));
        p.winner = winner.mutable_data();
        kept = std::move(winner);
    }
    run_kernel([&] { kernels().max_pool_forward(p); });
    return py::make_tuple(y, kept);
}

FloatArray average_pool_forward(const py::object& x, const py::object& begins,
                                const py::object& ends) {
    const FloatArray in = shaped<float>("x", x, {-1, -1, -1});
    const Windows w = windows(begins, ends, in.shape(1));
    FloatArray y = new_floats({in.shape(0), w.begins.size(), in.shape(2)});
    const Pool p = pool(in, w, y);
    run_kernel([&] { kernels().average_pool_forward(p); });
    return y;
}

FloatArray pool_backward(const py::object& begins, const py::object& ends, const py::object& winner,
                         const py::object& dy, i64 time) {
    const FloatArray grad = shaped<float>("dy", dy, {-1, -1, -1});
    const Windows w = windows(begins, ends, time);
    const i64 batch = grad.shape(0), channels = grad.shape(2);
    shaped<float>("dy", dy, {batch, w.begins.size(), channels});
    const auto won = shaped_or_none<i32>("winner", winner, {batch, w.begins.size(), channels});
    if (won)
        for (i64 i = 0; i < won->size(); ++i)
            if (won->data()[i] < 0 || won->data()[i] >= time)
                fail("winner", "in [0, " + std::to_string(time) + ")",
                     std::to_string(won->data()[i]));
    FloatArray dx = new_floats({batch, time, channels});
    const PoolGrad p = {batch,           time,         channels,    w.begins.size(),
                        w.begins.data(), w.ends.data(), data_or_null(won), grad.data(),
                        dx.mutable_data()};
    run_kernel([&] { kernels().pool_backward(p); });
    return dx;
}

i64 within(const char* name, i64 value, i64 least) {
    if (value < least || value > kMost)
        fail(name, "in [" + std::to_string(least) + ", " + std::to_string(kMost) + "]",
             std::to_string(value));
    return value;
}

DepthwiseConv depthwise(const FloatArray& x, const FloatArray& w, i64 outputs, i64 stride,
                        i64 dilation, i64 left) {
    DepthwiseConv d = {};
    d.batch = x.shape(0);
    d.time = x.shape(1);
    d.channels = x.shape(2);
    d.taps = w.shape(0);
    d.outputs = within("outputs", outputs, 0);
    d.stride = within("stride", stride, 1);
    d.dilation = within("dilation", dilation, 1);
    d.left = within("left", left, 0);
    d.x = x.data();
    d.w = w.data();
    return d;
}

FloatArray depthwise_forward(const py::object& x, const py::object& w, i64 outputs, i64 stride,
                             i64 dilation, i64 left) {
    const FloatArray in = shaped<float>("x", x, {-1, -1, -1});
    const FloatArray weights = shaped<float>("w", w, {-1, in.shape(2)});
    DepthwiseConv d = depthwise(in, weights, outputs, stride, dilation, left);
    FloatArray y = new_floats({d.batch, d.outputs, d.channels});
    d.y = y.mutable_data();
    run_kernel([&] { kernels().depthwise_forward(d); });
    return y;
}

py::tuple depthwise_backward(const py::object& x, const py::object& w, i64 stride, i64 dilation,
                             i64 left, const py::object& dy, bool need_dx, bool need_dw) {
    const FloatArray in = shaped<float>("x", x, {-1, -1, -1});
    const FloatArray weights = shaped<float>("w", w, {-1, in.shape(2)});
    const FloatArray grad = shaped<float>("dy", dy, {in.shape(0), -1, in.shape(2)});
    DepthwiseConvGrad g = {};
    g.forward = depthwise(in, weights, grad.shape(1), stride, dilation, left);
    g.dy = grad.data();
    py::object dx = py::none(), dw = py::none();
    if (need_dx) {
        FloatArray of_x = new_floats({in.shape(0), in.shape(1), in.shape(2)});
        g.dx = of_x.mutable_data();
        dx = std::move(of_x);
    }
    if (need_dw) {
        FloatArray of_w = new_floats({weights.shape(0), weights.shape(1)});
        g.dw = of_w.mutable_data();
        dw = std::move(of_w);
    }
    run_kernel([&] { kernels().depthwise_backward(g); });
    return py::make_tuple(dx, dw);
}

} // namespace
} // namespace gw

void bind_window(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("max_pool_forward", &gw::max_pool_forward, py::arg("x"), py::arg("begins"),
          py::arg("ends"), py::arg("keep"));
    m.def("average_pool_forward", &gw::average_pool_forward, py::arg("x"), py::arg("begins"),
          py::arg("ends"));
    m.def("pool_backward", &gw::pool_backward, py::arg("begins"), py::arg("ends"),
          py::arg("winner"), py::arg("dy"), py::arg("time"));
    m.def("depthwise_forward", &gw::depthwise_forward, py::arg("x"), py::arg("w"),
          py::arg("outputs"), py::arg("stride"), py::arg("dilation"), py::arg("left"));
    m.def("depthwise_backward", &gw::depthwise_backward, py::arg("x"), py::arg("w"),
          py::arg("stride"), py::arg("dilation"), py::arg("left"), py::arg("dy"),
          py::arg("need_dx"), py::arg("need_dw"));
}
