#include "bindings/arrays.h"
#include "runtime/dispatch.h"

namespace gw {

Activation parse_activation(const char* argument, const std::string& name) {
#define GW_ACTIVATION(n)                                                                           \
    if (name == #n) return Activation::n;
#include "api/activations.def"
#undef GW_ACTIVATION
    std::string known;
#define GW_ACTIVATION(n) known += known.empty() ? #n : ", " #n;
#include "api/activations.def"
#undef GW_ACTIVATION
    fail(argument, "an elementwise activation (" + known + ")", "'" + name + "'");
}

namespace {

FloatArray activation_forward(const std::string& name, const py::object& x) {
    const Activation kind = parse_activation("activation", name);
    const FloatArray in = typed<float>("x", x);
    FloatArray y = floats_like(in);
    float* out = y.mutable_data();
    run_kernel([&] { kernels().activation_forward(kind, in.data(), out, in.size()); });
    return y;
}

FloatArray activation_backward(const std::string& name, const py::object& x, const py::object& dy) {
    const Activation kind = parse_activation("activation", name);
    const FloatArray in = typed<float>("x", x);
    const FloatArray grad =
        shaped<float>("dy", dy, std::vector<i64>(in.shape(), in.shape() + in.ndim()));
    FloatArray dx = floats_like(in);
    float* out = dx.mutable_data();
    run_kernel([&] { kernels().activation_backward(kind, in.data(), grad.data(), out, in.size()); });
    return dx;
}

FloatArray add(const py::object& a, const py::object& b) {
    const FloatArray left = typed<float>("a", a);
    const FloatArray right =
        shaped<float>("b", b, std::vector<i64>(left.shape(), left.shape() + left.ndim()));
    FloatArray y = floats_like(left);
    float* out = y.mutable_data();
    run_kernel([&] { kernels().add_arrays(left.data(), right.data(), out, left.size()); });
    return y;
}

FloatArray softmax_forward(const py::object& x) {
    const FloatArray in = shaped<float>("x", x, {-1, -1});
    FloatArray y = floats_like(in);
    float* out = y.mutable_data();
    run_kernel([&] { kernels().softmax_forward(in.data(), out, in.shape(0), in.shape(1)); });
    return y;
}

FloatArray softmax_backward(const py::object& y, const py::object& dy) {
    const FloatArray out = shaped<float>("y", y, {-1, -1});
    const FloatArray grad = shaped<float>("dy", dy, {out.shape(0), out.shape(1)});
    FloatArray dx = floats_like(out);
    float* result = dx.mutable_data();
    run_kernel([&] {
        kernels().softmax_backward(out.data(), grad.data(), result, out.shape(0), out.shape(1));
    });
    return dx;
}

} // namespace
} // namespace gw

void bind_activation(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("activation_forward", &gw::activation_forward, py::arg("activation"), py::arg("x"));
    m.def("activation_backward", &gw::activation_backward, py::arg("activation"), py::arg("x"),
          py::arg("dy"));
    m.def("add", &gw::add, py::arg("a"), py::arg("b"));
    m.def("softmax_forward", &gw::softmax_forward, py::arg("x"));
    m.def("softmax_backward", &gw::softmax_backward, py::arg("y"), py::arg("dy"));
    py::list names;
#define GW_ACTIVATION(n) names.append(#n);
#include "api/activations.def"
#undef GW_ACTIVATION
    m.attr("ACTIVATIONS") = py::tuple(names);
}
