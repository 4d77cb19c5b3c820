#include "bindings/packed_weights.h"
#include "bindings/constructor.h"

#include <cmath>

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

CellSizes cell_sizes(Cell cell, const py::object& recurrent_kernel, const py::object& projection) {
    const auto u = shaped<float>("recurrent_kernel", recurrent_kernel, {-1, -1});
    if (u.shape(0) == 0) fail("recurrent_kernel", "of at least one unit", "empty");
    if (projection.is_none()) return {u.shape(0), u.shape(0), std::nullopt};
    if (cell != Cell::lstm && cell != Cell::lstm_peephole && cell != Cell::lstm_layer_norm)
        fail("projection", "None for this cell", type_name(projection));
    const auto p = shaped<float>("projection", projection, {-1, u.shape(0)});
    if (p.shape(0) <= p.shape(1)) fail("projection", "of fewer columns than rows", shape_text(p));
    return {p.shape(0), p.shape(1), p};
}

float parse_bound(const char* argument, const std::optional<float>& bound) {
    if (!bound) return kUnbounded;
    if (!(*bound > 0.0f)) fail(argument, "positive", std::to_string(*bound));
    return *bound;
}

Zoneout parse_zoneout(const std::optional<std::vector<double>>& shares, const std::optional<u64>& seed,
                      i64 states) {
    Zoneout z = {};
    if (!shares) return z;
    if (static_cast<i64>(shares->size()) != states)
        fail("zoneout", std::to_string(states) + " numbers", std::to_string(shares->size()));
    for (std::size_t k = 0; k < shares->size(); ++k) {
        const double share = (*shares)[k];
        if (!(share >= 0.0 && share < 1.0))
            fail("zoneout", "in [0, 1)", std::string(py::str(py::float_(share))));
        z.share[k] = static_cast<float>(share);
        z.threshold[k] = static_cast<u32>(std::floor(share * 4294967296.0));
    }
    z.drawn = seed.has_value();
    z.seed = seed.value_or(0);
    return z;
}

std::optional<FloatArray> diagonal_weights(const CellShape& shape, i64 units, const py::object& given) {
    if (shape.diagonals == 0 && !given.is_none())
        fail("peepholes", "None for this cell", type_name(given));
    return shaped_or_none<float>("peepholes", given, {shape.diagonals, units});
}

NormWeights norm_weights(const CellShape& shape, i64 units, const py::object& gamma,
                         const py::object& beta) {
    auto given = [](const char* name, const py::object& array, bool wanted,
                    std::vector<i64> sizes) -> std::optional<FloatArray> {
        if (wanted) return shaped<float>(name, array, sizes);
        if (!array.is_none()) fail(name, "None for this cell", type_name(array));
        return std::nullopt;
    };
    return {given("gamma", gamma, shape.gammas > 0, {shape.gammas, units}),
            given("beta", beta, shape.betas > 0, {units})};
}

PackedWeights::PackedWeights(const std::string& cell_name, const py::object& kernel,
                             const py::object& recurrent_kernel, const py::object& bias,
                             const py::object& peepholes, const py::object& projection, bool bf16_,
                             const py::object& gamma, const py::object& beta)
    : cell(parse_cell(cell_name)), isa(&kernels()), bf16(bf16_) {
    const auto w = shaped<float>("kernel", kernel, {-1, -1});
    const auto u = shaped<float>("recurrent_kernel", recurrent_kernel, {-1, -1});
    const CellSizes sizes = cell_sizes(cell, recurrent_kernel, projection);
    inputs = w.shape(0);
    units = sizes.units;
    outputs = sizes.outputs;
    if (inputs == 0) fail("kernel", "of at least one feature", "empty");
    shape = isa->cell_shape(cell, inputs, units);
    const i64 columns = shape.gates * units;
    shaped<float>("kernel", kernel, {inputs, columns});
    shaped<float>("recurrent_kernel", recurrent_kernel, {outputs, columns});
    const auto b = shape.bias_rows == 2 ? shaped_or_none<float>("bias", bias, {2, columns})
                                        : shaped_or_none<float>("bias", bias, {columns});
    const auto p = diagonal_weights(shape, units, peepholes);
    const NormWeights norms = norm_weights(shape, units, gamma, beta);
    Recurrent r = {};
    r.bf16 = bf16;
    r.inputs = inputs;
    r.units = units;
    r.outputs = outputs;
    r.projection = data_or_null(sizes.projection);
    r.kernel = w.data();
    r.recurrent_kernel = u.data();
    r.bias = data_or_null(b);
    r.diagonal = data_or_null(p);
    r.gamma = data_or_null(norms.gamma);
    r.beta = data_or_null(norms.beta);
    run_kernel([&] { packed_ = isa->pack_weights(cell, r); });
}

PackedWeights::~PackedWeights() {
    if (packed_ != nullptr) isa->free_weights(packed_);
}

} // namespace gw

void bind_packed_weights(pybind11::module_& m) {
    namespace py = pybind11;
    py::class_<gw::PackedWeights, std::shared_ptr<gw::PackedWeights>> packed(m, "PackedWeights");
    gw::def_constructor<const std::string&, const py::object&, const py::object&, const py::object&,
                        const py::object&, const py::object&, bool, const py::object&,
                        const py::object&>(
        packed, py::arg("cell"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias"),
        py::arg("peepholes") = py::none(), py::arg("projection") = py::none(),
        py::arg("bf16") = false, py::arg("gamma") = py::none(), py::arg("beta") = py::none());
    packed.def_property_readonly("isa", [](const gw::PackedWeights& w) { return w.isa->isa; });
}
