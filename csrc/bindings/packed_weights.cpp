#include "bindings/packed_weights.h"
#include "bindings/constructor.h"

#include <cmath>
#include <limits>

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
    return cell_sizes(cell, u.shape(0), projection);
}

CellSizes cell_sizes(Cell cell, i64 rows, const py::object& projection) {
    if (rows == 0) fail("recurrent_kernel", "of at least one unit", "empty");
    if (projection.is_none()) return {rows, rows, std::nullopt};
    if (cell != Cell::lstm && cell != Cell::lstm_peephole && cell != Cell::lstm_layer_norm)
        fail("projection", "None for this cell", type_name(projection));
    const auto p = shaped<float>("projection", projection, {-1, rows});
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
                    const std::vector<i64>& sizes) -> std::optional<FloatArray> {
        if (wanted) return shaped<float>(name, array, sizes);
        if (!array.is_none()) fail(name, "None for this cell", type_name(array));
        return std::nullopt;
    };
    return {given("gamma", gamma, shape.gammas > 0, {shape.gammas, units}),
            given("beta", beta, shape.betas > 0, {units})};
}

ByteArray checked_numbers(const char* name, const py::object& numbers) {
    const ByteArray array = shaped<std::int8_t>(name, numbers, {-1, -1});
    const std::int8_t* data = array.data();
    bool fits = true;
    for (py::ssize_t i = 0; i < array.size(); ++i) fits &= data[i] != -128;
    if (!fits) fail(name, "in [-127, 127]", "-128");
    return array;
}

FloatArray checked_scale(const char* name, const py::object& scale, i64 count) {
    const FloatArray array = shaped<float>(name, scale, {count});
    for (i64 i = 0; i < count; ++i)
        if (!(array.data()[i] >= 0.0f && array.data()[i] <= std::numeric_limits<float>::max()))
            fail(name, "finite and not negative", std::to_string(array.data()[i]));
    return array;
}

Int8Matrix int8_matrix(const char* name, const py::object& numbers, const py::object& scale,
                       std::vector<py::object>& owners) {
    const ByteArray data = checked_numbers(name, numbers);
    const FloatArray scales = checked_scale((std::string(name) + "_scale").c_str(), scale, data.shape(1));
    if (data.shape(0) > kMostInt8Rows)
        fail(name, "of at most " + std::to_string(kMostInt8Rows) + " rows", shape_text(data));
    owners.push_back(data);
    owners.push_back(scales);
    return {data.shape(0), data.shape(1), data.data(), scales.data()};
}

PackedWeights::PackedWeights(const std::string& cell_name, const py::object& kernel,
                             const py::object& recurrent_kernel, const py::object& bias,
                             const py::object& peepholes, const py::object& projection, bool bf16_,
                             const py::object& gamma, const py::object& beta,
                             const py::object& kernel_scale, const py::object& recurrent_scale)
    : cell(parse_cell(cell_name)), isa(&kernels()), bf16(bf16_),
      int8(!kernel_scale.is_none() || !recurrent_scale.is_none()) {
    Recurrent r = {};
    std::vector<py::object> owners;
    i64 w_columns = 0, u_rows = 0, u_columns = 0;
    if (int8) {
        if (bf16) fail("bf16", "False of weights that have scales", "True");
        r.kernel8 = int8_matrix("kernel", kernel, kernel_scale, owners);
        r.recurrent_kernel8 = int8_matrix("recurrent_kernel", recurrent_kernel, recurrent_scale, owners);
        inputs = r.kernel8.rows, w_columns = r.kernel8.columns;
        u_rows = r.recurrent_kernel8.rows, u_columns = r.recurrent_kernel8.columns;
    } else {
        const auto w = shaped<float>("kernel", kernel, {-1, -1});
        const auto u = shaped<float>("recurrent_kernel", recurrent_kernel, {-1, -1});
        owners = {w, u};
        r.kernel = w.data();
        r.recurrent_kernel = u.data();
        inputs = w.shape(0), w_columns = w.shape(1);
        u_rows = u.shape(0), u_columns = u.shape(1);
    }
    const CellSizes sizes = cell_sizes(cell, u_rows, projection);
    units = sizes.units;
    outputs = sizes.outputs;
    if (inputs == 0) fail("kernel", "of at least one feature", "empty");
    shape = isa->cell_shape(cell, inputs, units);
    const i64 columns = shape.gates * units;
    auto check_shape = [](const char* name, i64 rows, i64 found, i64 wanted) {
        if (found != wanted)
            fail(name, "of shape " + shape_text(std::vector<i64>{rows, wanted}),
                 shape_text(std::vector<i64>{rows, found}));
    };
    check_shape("kernel", inputs, w_columns, columns);
    check_shape("recurrent_kernel", outputs, u_columns, columns);
    const auto b = shape.bias_rows == 2 ? shaped_or_none<float>("bias", bias, {2, columns})
                                        : shaped_or_none<float>("bias", bias, {columns});
    const auto p = diagonal_weights(shape, units, peepholes);
    const NormWeights norms = norm_weights(shape, units, gamma, beta);
    r.bf16 = bf16;
    r.int8 = int8;
    r.inputs = inputs;
    r.units = units;
    r.outputs = outputs;
    r.projection = data_or_null(sizes.projection);
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
                        const py::object&, const py::object&, const py::object&>(
        packed, py::arg("cell"), py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias"),
        py::arg("peepholes") = py::none(), py::arg("projection") = py::none(),
        py::arg("bf16") = false, py::arg("gamma") = py::none(), py::arg("beta") = py::none(),
        py::arg("kernel_scale") = py::none(), py::arg("recurrent_scale") = py::none());
    packed.def_property_readonly("isa", [](const gw::PackedWeights& w) { return w.isa->isa; });
}
