#include "bindings/arrays.h"
#include "runtime/dispatch.h"

#include <pybind11/stl.h>

#include <cmath>

namespace gw {
namespace {

Dropout arguments(double rate, u64 seed) {
    if (!(rate >= 0.0 && rate < 1.0)) fail("rate", "in [0, 1)", std::string(py::str(py::float_(rate))));
    Dropout d = {};
    d.seed = seed;
    d.threshold = static_cast<u32>(std::floor(rate * 4294967296.0));
    d.scale = static_cast<float>(1.0 / (1.0 - rate));
    return d;
}

FloatArray dropout(const py::object& x, double rate, u64 seed) {
    Dropout d = arguments(rate, seed);
    const FloatArray in = typed<float>("x", x);
    FloatArray y = floats_like(in);
    d.x = in.data();
    d.y = y.mutable_data();
    d.batch = d.time = 1;
    d.features = in.size();
    run_kernel([&] { kernels().dropout(d); });
    return y;
}

FloatArray spatial_dropout(const py::object& x, double rate, u64 seed) {
    Dropout d = arguments(rate, seed);
    const FloatArray in = shaped<float>("x", x, {-1, -1, -1});
    d.batch = in.shape(0);
    d.time = in.shape(1);
    d.features = in.shape(2);
    FloatArray y = new_floats({d.batch, d.time, d.features});
    d.x = in.data();
    d.y = y.mutable_data();
    d.spatial = true;
    run_kernel([&] { kernels().dropout(d); });
    return y;
}

FloatArray dropout_mask(const std::vector<i64>& shape, double rate, u64 seed) {
    Dropout d = arguments(rate, seed);
    for (const i64 size : shape)
        if (size < 0) fail("shape", "of sizes that are not negative", std::to_string(size));
    FloatArray y = new_floats(shape);
    d.y = y.mutable_data();
    d.batch = d.time = 1;
    d.features = y.size();
    run_kernel([&] { kernels().dropout(d); });
    return y;
}

} // namespace
} // namespace gw

void bind_dropout(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("dropout", &gw::dropout, py::arg("x"), py::arg("rate"), py::arg("seed"));
    m.def("spatial_dropout", &gw::spatial_dropout, py::arg("x"), py::arg("rate"), py::arg("seed"));
    m.def("dropout_mask", &gw::dropout_mask, py::arg("shape"), py::arg("rate"), py::arg("seed"));
}
