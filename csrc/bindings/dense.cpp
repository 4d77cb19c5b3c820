#include "bindings/arrays.h"
#include "runtime/dispatch.h"

namespace gw {
namespace {

FloatArray gemm(const py::object& a, const py::object& b, bool trans_a, bool trans_b,
                const py::object& bias, const py::object& out, bool accumulate, bool bf16) {
    const StridedMatrix left = strided_matrix("a", a), right = strided_matrix("b", b);
    const i64 m = trans_a ? left.columns : left.rows, k = trans_a ? left.rows : left.columns;
    const i64 n = trans_b ? right.rows : right.columns;
    if ((trans_b ? right.columns : right.rows) != k)
        fail("b", "of a shape whose inner size is " + std::to_string(k), shape_text(right.array));
    const auto added = shaped_or_none<float>("bias", bias, {n});
    if (accumulate && out.is_none()) fail("out", "given when accumulate is true", "None");
    if (accumulate && added) fail("bias", "None when accumulate is true", "an array");
    StridedMatrix c = strided_matrix("out", out.is_none() ? py::object(new_floats({m, n})) : out);
    if (c.rows != m || c.columns != n)
        fail("out", "of shape " + shape_text({m, n}), shape_text(c.array));
    if (!c.array.writeable()) fail("out", "writable", "read-only");
    if (left.row_step != 1 && left.column_step != 1)
        fail("a", "of rows or columns that lie in one piece", "strided both ways");
    if (m > 0 && n > 0 && (c.column_step != 1 || (m > 1 && c.row_step < n)))
        fail("out", "of rows that lie in one piece and do not meet", "strided");
    const Gemm g = {m,
                    n,
                    k,
                    left.array.data(),
                    trans_a ? left.column_step : left.row_step,
                    trans_a ? left.row_step : left.column_step,
                    right.array.data(),
                    trans_b ? right.column_step : right.row_step,
                    trans_b ? right.row_step : right.column_step,
                    data_or_null(added),
                    c.array.mutable_data(),
                    c.row_step,
                    accumulate,
                    bf16};
    run_kernel([&] { kernels().gemm(g); });
    return c.array;
}

py::tuple dense_forward(const py::object& x, const py::object& kernel, const py::object& bias,
                        const std::string& activation, bool keep_pre, bool bf16) {
    const FloatArray in = shaped<float>("x", x, {-1, -1});
    const FloatArray w = shaped<float>("kernel", kernel, {in.shape(1), -1});
    const i64 rows = in.shape(0), units = w.shape(1);
    const auto b = shaped_or_none<float>("bias", bias, {units});
    const Activation kind = parse_activation("activation", activation);
    FloatArray y = new_floats({rows, units});
    const bool separate = keep_pre && kind != Activation::linear;
    FloatArray pre = separate ? new_floats({rows, units}) : y;
    const Dense d = {rows,          in.shape(1), units, in.data(),          w.data(),
                     data_or_null(b), kind,      pre.mutable_data(), y.mutable_data(),
                     bf16};
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
          py::arg("accumulate") = false, py::arg("bf16") = false);
    m.def("dense_forward", &gw::dense_forward, py::arg("x"), py::arg("kernel"), py::arg("bias"),
          py::arg("activation"), py::arg("keep_pre"), py::arg("bf16") = false);
    m.def("column_sum", &gw::column_sum, py::arg("x"));
}
