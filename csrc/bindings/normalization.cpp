#include "bindings/arrays.h"
#include "runtime/dispatch.h"

namespace gw {
namespace {

py::object or_none(const std::optional<FloatArray>& array) {
    return array ? py::object(*array) : py::none();
}

py::tuple row_norm_forward(const py::object& x, const py::object& gamma, const py::object& beta,
                           float epsilon, bool centered) {
    const FloatArray in = shaped<float>("x", x, {-1, -1});
    const i64 rows = in.shape(0), columns = in.shape(1);
    const auto scale = shaped_or_none<float>("gamma", gamma, {columns});
    const auto shift = shaped_or_none<float>("beta", beta, {columns});
    FloatArray y = new_floats({rows, columns}), rstd = new_floats({rows});
    std::optional<FloatArray> mean;
    if (centered) mean = new_floats({rows});
    const RowNorm n = {rows,
                       columns,
                       in.data(),
                       data_or_null(scale),
                       data_or_null(shift),
                       epsilon,
                       centered,
                       y.mutable_data(),
                       mean ? mean->mutable_data() : nullptr,
                       rstd.mutable_data()};
    run_kernel([&] { kernels().row_norm_forward(n); });
    return py::make_tuple(y, or_none(mean), rstd);
}

py::tuple row_norm_backward(const py::object& x, const py::object& gamma, const py::object& mean,
                            const py::object& rstd, const py::object& dy, bool need_dx,
                            bool need_weights) {
    const FloatArray in = shaped<float>("x", x, {-1, -1});
    const i64 rows = in.shape(0), columns = in.shape(1);
    const auto scale = shaped_or_none<float>("gamma", gamma, {columns});
    const auto middle = shaped_or_none<float>("mean", mean, {rows});
    const FloatArray inverse = shaped<float>("rstd", rstd, {rows});
    const FloatArray grad = shaped<float>("dy", dy, {rows, columns});
    std::optional<FloatArray> dx, dgamma, dbeta;
    RowNormGrad n = {};
    n.rows = rows;
    n.columns = columns;
    n.x = in.data();
    n.gamma = data_or_null(scale);
    n.mean = data_or_null(middle);
    n.rstd = inverse.data();
    n.dy = grad.data();
    if (need_dx) {
        dx = new_floats({rows, columns});
        n.dx = dx->mutable_data();
    }
    if (need_weights) {
        dgamma = new_floats({columns});
        dbeta = new_floats({columns});
        n.dgamma = dgamma->mutable_data();
        n.dbeta = dbeta->mutable_data();
    }
    run_kernel([&] { kernels().row_norm_backward(n); });
    return py::make_tuple(or_none(dx), or_none(dgamma), or_none(dbeta));
}

py::tuple column_moments(const py::object& x, const py::object& mask, float divisor) {
    const FloatArray in = shaped<float>("x", x, {-1, -1});
    const auto kept = shaped_or_none<bool>("mask", mask, {in.shape(0)});
    FloatArray mean = new_floats({in.shape(1)}), variance = new_floats({in.shape(1)});
    const ColumnMoments m = {in.shape(0),        in.shape(1),         in.data(),
                             data_or_null(kept), divisor,             mean.mutable_data(),
                             variance.mutable_data()};
    run_kernel([&] { kernels().column_moments(m); });
    return py::make_tuple(mean, variance);
}

FloatArray column_norm_forward(const py::object& x, const py::object& mean, const py::object& factor,
                               const py::object& shift) {
    const FloatArray in = shaped<float>("x", x, {-1, -1});
    const i64 columns = in.shape(1);
    const FloatArray middle = shaped<float>("mean", mean, {columns});
    const FloatArray scale = shaped<float>("factor", factor, {columns});
    const FloatArray offset = shaped<float>("shift", shift, {columns});
    FloatArray y = new_floats({in.shape(0), columns});
    const ColumnNorm n = {in.shape(0),  columns,       in.data(),       middle.data(),
                          scale.data(), offset.data(), y.mutable_data()};
    run_kernel([&] { kernels().column_norm_forward(n); });
    return y;
}

py::tuple column_norm_backward(const py::object& x, const py::object& mean, const py::object& rstd,
                               const py::object& gamma, const py::object& mask, float divisor,
                               const py::object& dy, bool need_dx) {
    const FloatArray in = shaped<float>("x", x, {-1, -1});
    const i64 rows = in.shape(0), columns = in.shape(1);
    const FloatArray middle = shaped<float>("mean", mean, {columns});
    const FloatArray inverse = shaped<float>("rstd", rstd, {columns});
    const auto scale = shaped_or_none<float>("gamma", gamma, {columns});
    const auto kept = shaped_or_none<bool>("mask", mask, {rows});
    const FloatArray grad = shaped<float>("dy", dy, {rows, columns});
    std::optional<FloatArray> dx;
    if (need_dx) dx = new_floats({rows, columns});
    FloatArray dgamma = new_floats({columns}), dbeta = new_floats({columns});
    const ColumnNormGrad n = {rows,
                              columns,
                              in.data(),
                              middle.data(),
                              inverse.data(),
                              data_or_null(scale),
                              data_or_null(kept),
                              divisor,
                              grad.data(),
                              dx ? dx->mutable_data() : nullptr,
                              dgamma.mutable_data(),
                              dbeta.mutable_data()};
    run_kernel([&] { kernels().column_norm_backward(n); });
    return py::make_tuple(or_none(dx), dgamma, dbeta);
}

} // namespace
} // namespace gw

void bind_normalization(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("row_norm_forward", &gw::row_norm_forward, py::arg("x"), py::arg("gamma"), py::arg("beta"),
          py::arg("epsilon"), py::arg("centered"));
    m.def("row_norm_backward", &gw::row_norm_backward, py::arg("x"), py::arg("gamma"),
          py::arg("mean"), py::arg("rstd"), py::arg("dy"), py::arg("need_dx"),
          py::arg("need_weights"));
    m.def("column_moments", &gw::column_moments, py::arg("x"), py::arg("mask"), py::arg("divisor"));
    m.def("column_norm_forward", &gw::column_norm_forward, py::arg("x"), py::arg("mean"),
          py::arg("factor"), py::arg("shift"));
    m.def("column_norm_backward", &gw::column_norm_backward, py::arg("x"), py::arg("mean"),
          py::arg("rstd"), py::arg("gamma"), py::arg("mask"), py::arg("divisor"), py::arg("dy"),
          py::arg("need_dx"));
}
