#include "bindings/indices.h"
#include "runtime/dispatch.h"

namespace gw {
namespace {

FloatArray embedding_forward(const py::object& table, const py::array& ids) {
    const FloatArray rows = shaped<float>("table", table, {-1, -1});
    const std::vector<i64> index = checked_indices("embedding ids", ids, rows.shape(0));
    std::vector<i64> shape(ids.shape(), ids.shape() + ids.ndim());
    shape.push_back(rows.shape(1));
    FloatArray y = new_floats(shape);
    const EmbeddingForward e = {rows.data(), index.data(), y.mutable_data(), ids.size(),
                                rows.shape(1)};
    run_kernel([&] { kernels().embedding_forward(e); });
    return y;
}

FloatArray embedding_backward(const py::array& ids, const py::object& dy, i64 rows) {
    if (rows < 0) fail("rows", "at least 0", std::to_string(rows));
    const std::vector<i64> index = checked_indices("embedding ids", ids, rows);
    std::vector<i64> shape(ids.shape(), ids.shape() + ids.ndim());
    shape.push_back(-1);
    const FloatArray grad = shaped<float>("dy", dy, shape);
    const i64 columns = grad.shape(grad.ndim() - 1);
    FloatArray dtable = new_floats({rows, columns});
    const EmbeddingBackward e = {index.data(), grad.data(), dtable.mutable_data(),
                                 static_cast<i64>(index.size()), rows, columns};
    run_kernel([&] { kernels().embedding_backward(e); });
    return dtable;
}

} // namespace
} // namespace gw

void bind_embedding(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("embedding_forward", &gw::embedding_forward, py::arg("table"), py::arg("ids"));
    m.def("embedding_backward", &gw::embedding_backward, py::arg("ids"), py::arg("dy"),
          py::arg("rows"));
}
