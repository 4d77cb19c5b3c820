#include "bindings/packed_weights.h"

namespace gw {

Cell parse_cell(const std::string& name) {
#define GW_CELL(n, type)                                                                           \
    if (name == #n) return Cell::n;
#include "api/cells.def"
#undef GW_CELL
    std::string known;
#define GW_CELL(n, type) known += known.empty() ? #n : ", " #n;
#include "api/cells.def"
#undef GW_CELL
    fail("cell", "one of " + known, "'" + name + "'");
}

PackedWeights::PackedWeights(const std::string& cell_name, const py::object& kernel,
                             const py::object& recurrent_kernel, const py::object& bias)
    : cell(parse_cell(cell_name)), isa(&kernels()) {
    const auto w = shaped<float>("kernel", kernel, {-1, -1});
    const auto u = shaped<float>("recurrent_kernel", recurrent_kernel, {-1, -1});
    inputs = w.shape(0);
    units = u.shape(0);
    if (inputs == 0) fail("kernel", "of at least one feature", "empty");
    if (units == 0) fail("recurrent_kernel", "of at least one unit", "empty");
    shape = isa->cell_shape(cell, inputs, units);
    const i64 columns = shape.gates * units;
    shaped<float>("kernel", kernel, {inputs, columns});
    shaped<float>("recurrent_kernel", recurrent_kernel, {units, columns});
    const auto b = shape.bias_rows == 2 ? shaped_or_none<float>("bias", bias, {2, columns})
                                        : shaped_or_none<float>("bias", bias, {columns});
    Recurrent r = {};
    r.inputs = inputs;
    r.units = units;
    r.kernel = w.data();
    r.recurrent_kernel = u.data();
    r.bias = data_or_null(b);
    run_kernel([&] { packed_ = isa->pack_weights(cell, r); });
}

PackedWeights::~PackedWeights() {
    if (packed_ != nullptr) isa->free_weights(packed_);
}

} // namespace gw

void bind_packed_weights(pybind11::module_& m) {
    namespace py = pybind11;
    py::class_<gw::PackedWeights, std::shared_ptr<gw::PackedWeights>>(m, "PackedWeights")
        .def(py::init<const std::string&, const py::object&, const py::object&, const py::object&>(),
             py::arg("cell"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias"))
        .def_property_readonly("isa", [](const gw::PackedWeights& w) { return w.isa->isa; });
}
