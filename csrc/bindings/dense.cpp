#include "bindings/arrays.h"
#include "runtime/dispatch.h"

namespace gw {
namespace {

FloatArray gemm(const py::object& a, const py::object& b, bool trans_a, bool trans_b,
                const py::object& bias, const py::object& out, bool accumulate) {
    const FloatArray left = shaped<float>("a", a, {-1, -1});
    const FloatArray right = shaped<float>("b", b, {-1, -1});
    const i64 m = left.shape(trans_a ? 1 : 0), k = left.shape(trans_a ? 0 : 1);
    const i64 n = right.shape(trans_b ? 0 : 1);
    if (right.shape(trans_b ? 1 : 0) != k)
        fail("b", "of a shape whose inner size is " + std::to_string(k), shape_text(right));
    const auto added = shaped_or_none<float>("bias", bias, {n});
    if (accumulate && out.is_none()) fail("out", "given when accumulate is true", "None");
    if (accumulate && added) fail("bias", "None when accumulate is true", "an array");
    FloatArray c = out.is_none() ? new_floats({m, n}) : shaped<float>("out", out, {m, n});
    if (!c.writeable()) fail("out", "writable", "read-only");
    const Gemm g = {m,
                    n,
                    k,
                    left.data(),
                    trans_a ? 1 : k,
                    trans_a ? m : 1,
                    right.data(),
                    trans_b ? 1 : n,
                    trans_b ? k : 1,
                    data_or_null(added),
                    c.mutable_data(),
                    n,
                    accumulate};
    run_kernel([&] { kernels().gemm(g); });
    return c;
}

py::tuple dense_forward(const py::object& x, const py::object& kernel, const py::object& bias,
                        const std::string& activation, bool keep_pre) {
    const FloatArray in = shaped<float>("x", x, {-1, -1});
    const FloatArray w = shaped<float>("kernel", kernel, {in.shape(1), -1});
    const i64 rows = in.shape(0), units = w.shape(1);
    const auto b = shaped_or_none<float>("bias", bias, {units});
    const Activation kind = parse_activation("activation", activation);
    FloatArray y = new_floats({rows, units});
    const bool separate = keep_pre && kind != Activation::linear;
    FloatArray pre = separate ? new_floats({rows, units}) : y;
    const Dense d = {rows,          in.shape(1), units, in.data(),          w.data(),
                     data_or_null(b), kind,      pre.mutable_data(), y.mutable_data()};
    run_kernel([&] { kernels().dense(d); });
    return py::make_tuple(y, keep_pre ? py::object(pre) : py::none());
}

FloatArray column_sum(const py::object& x) {
    const FloatArray in = shaped<float>("x", x, {-1, -1});
    FloatArray sum = new_floats({in.shape(1)});
    float* out = sum.mutable_data();
    run_kernel([&] { kernels().column_sum(in.data(), in.shape(0), in.shape(1), out); });
    return sum;
}

} // namespace
} // namespace gw

void bind_dense(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("gemm", &gw::gemm, py::arg("a"), py::arg("b"), py::arg("trans_a") = false,
          py::arg("trans_b") = false, py::arg("bias") = py::none(), py::arg("out") = py::none(),
          py::arg("accumulate") = false);
    m.def("dense_forward", &gw::dense_forward, py::arg("x"), py::arg("kernel"), py::arg("bias"),
          py::arg("activation"), py::arg("keep_pre"));
    m.def("column_sum", &gw::column_sum, py::arg("x"));
}
