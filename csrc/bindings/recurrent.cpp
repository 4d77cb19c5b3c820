#include "bindings/packed_weights.h"
#include "runtime/memory.h"
#include "runtime/sequence_plan.h"

#include <memory>

namespace gw {
namespace {

// A product of sizes, refused when it cannot be addressed.
i64 product(std::initializer_list<i64> sizes) {
    i64 total = 1;
    for (const i64 size : sizes)
        if (__builtin_mul_overflow(total, size, &total)) throw std::bad_alloc();
    return total;
}

// A forward pass: its arguments, kept alive, and what the backward pass needs.
class RecurrentPass {
  public:
    RecurrentPass(const std::string& cell, const py::object& x, const py::object& kernel,
                  const py::object& recurrent_kernel, const py::object& bias,
                  const py::object& initial_states, const py::object& mask,
                  const py::object& input_mask, const py::object& recurrent_mask,
                  const std::string& activation, const std::string& recurrent_activation,
                  bool go_backwards, bool zero_output_for_mask, bool return_sequences,
                  const py::object& peepholes, const std::optional<float>& activation_clip,
                  const std::optional<float>& cell_clip, const py::object& projection,
                  const std::optional<std::vector<double>>& zoneout,
                  const std::optional<u64>& zoneout_seed, bool bf16, const py::object& gamma,
                  const py::object& beta, const std::optional<float>& epsilon)
        : cell_(parse_cell(cell)), x_(shaped<float>("x", x, {-1, -1, -1})),
          batch_(x_.shape(0)), time_(x_.shape(1)), inputs_(x_.shape(2)) {
        if (time_ == 0) fail("x", "of at least one time step", shape_text(x_));
        if (inputs_ == 0) fail("x", "of at least one feature", shape_text(x_));
        CellSizes sizes = cell_sizes(cell_, recurrent_kernel, projection);
        units_ = sizes.units;
        outputs_ = sizes.outputs;
        projection_ = std::move(sizes.projection);
        shape_ = kernels().cell_shape(cell_, inputs_, units_);
        isa_ = &kernels();
        const i64 columns = shape_.gates * units_;
        recurrent_kernel_ =
            shaped<float>("recurrent_kernel", recurrent_kernel, {outputs_, columns});
        kernel_ = shaped<float>("kernel", kernel, {inputs_, columns});
        bias_ = shape_.bias_rows == 2 ? shaped_or_none<float>("bias", bias, {2, columns})
                                      : shaped_or_none<float>("bias", bias, {columns});
        set_initial(initial_states);
        mask_ = shaped_or_none<bool>("mask", mask, {batch_, time_});
        input_mask_ = shaped_or_none<float>("dropout_mask", input_mask, {batch_, inputs_});
        recurrent_mask_ =
            shaped_or_none<float>("recurrent_dropout_mask", recurrent_mask, {batch_, outputs_});
        diagonal_ = diagonal_weights(shape_, units_, peepholes);
        args_.diagonal = data_or_null(diagonal_);
        norms_ = norm_weights(shape_, units_, gamma, beta);
        args_.gamma = data_or_null(norms_.gamma);
        args_.beta = data_or_null(norms_.beta);
        args_.epsilon = epsilon ? parse_bound("epsilon", epsilon) : kEpsilon;
        args_.activation_clip = parse_bound("activation_clip", activation_clip);
        args_.cell_clip = parse_bound("cell_clip", cell_clip);
        args_.zoneout = parse_zoneout(zoneout, zoneout_seed, shape_.states);
        args_.bf16 = bf16;
        args_.inputs = inputs_;
        args_.units = units_;
        args_.outputs = outputs_;
        args_.projection = data_or_null(projection_);
        args_.x = x_.data();
        args_.kernel = kernel_.data();
        args_.recurrent_kernel = recurrent_kernel_.data();
        args_.bias = data_or_null(bias_);
        args_.input_mask = data_or_null(input_mask_);
        args_.recurrent_mask = data_or_null(recurrent_mask_);
        args_.activation = parse_activation("activation", activation);
        args_.recurrent_activation = parse_activation("recurrent_activation", recurrent_activation);
        args_.go_backwards = go_backwards;
        args_.zero_output_for_mask = zero_output_for_mask;
        args_.return_sequences = return_sequences;
        plan_ = std::make_unique<PlanStorage>(batch_, time_, data_or_null(mask_), go_backwards);
        args_.plan = plan_->plan();
    }

    // Weights packed before, of the same values as this pass' own.
    void use(std::shared_ptr<PackedWeights> packed) {
        if (packed->cell != cell_ || packed->inputs != inputs_ || packed->units != units_ || packed->outputs != outputs_ ||
            packed->isa != isa_ || packed->bf16 != args_.bf16 ||
            packed->int8)
            fail("packed", "packed from these weights at this instruction set", "from others");
        packed_ = std::move(packed);
        args_.packed = packed_->data();
    }

    py::tuple forward(bool keep) {
        FloatArray y = new_floats(output_shape());
        py::tuple states(shape_.states);
        args_.y = y.mutable_data();
        for (i64 k = 0; k < shape_.states; ++k) {
            FloatArray state = new_floats({batch_, width(k)});
            args_.final_states[k] = state.mutable_data();
            states[static_cast<std::size_t>(k)] = state;
        }
        if (keep) allocate();
        run_kernel([&] { isa_->recurrent_forward(cell_, args_); });
        args_.y = nullptr; // belongs to the caller from here on
        return py::make_tuple(y, states);
    }

    py::tuple backward(const py::object& dy, const py::object& dstates, bool need_dx) {
        if (args_.saved.gates == nullptr)
            throw std::runtime_error("recurrent_backward was already called on this pass, or its "
                                     "forward pass did not keep anything");
        RecurrentGrad g = {};
        const auto dout = shaped_or_none<float>("dy", dy, output_shape());
        g.dy = data_or_null(dout);
        const auto dfinal = states_or_none("dstates", dstates);
        FloatArray dkernel = new_floats({inputs_, shape_.gates * units_});
        FloatArray drecurrent = new_floats({outputs_, shape_.gates * units_});
        g.dkernel = dkernel.mutable_data();
        g.drecurrent_kernel = drecurrent.mutable_data();
        py::object dx = py::none(), dbias = py::none(), ddiagonal = py::none(),
                   dprojection = py::none(), dgamma = py::none(), dbeta = py::none();
        if (need_dx) {
            FloatArray array = new_floats({batch_, time_, inputs_});
            g.dx = array.mutable_data();
            dx = array;
        }
        if (bias_) {
            FloatArray array = bias_->ndim() == 2 ? new_floats({2, bias_->shape(1)})
                                                  : new_floats({bias_->shape(0)});
            g.dbias = array.mutable_data();
            dbias = array;
        }
        if (diagonal_) {
            FloatArray array = new_floats({shape_.diagonals, units_});
            g.ddiagonal = array.mutable_data();
            ddiagonal = array;
        }
        if (projection_) {
            FloatArray array = new_floats({units_, outputs_});
            g.dprojection = array.mutable_data();
            dprojection = array;
        }
        if (norms_.gamma) {
            FloatArray array = new_floats({shape_.gammas, units_});
            g.dgamma = array.mutable_data();
            dgamma = array;
        }
        if (norms_.beta) {
            FloatArray array = new_floats({units_});
            g.dbeta = array.mutable_data();
            dbeta = array;
        }
        py::tuple dinitial(shape_.states);
        for (i64 k = 0; k < shape_.states; ++k) {
            g.dfinal[k] = data_or_null(dfinal[static_cast<std::size_t>(k)]);
            FloatArray state = new_floats({batch_, width(k)});
            g.dinitial[k] = state.mutable_data();
            dinitial[static_cast<std::size_t>(k)] = state;
        }
        run_kernel([&] { isa_->recurrent_backward(cell_, args_, g); });
        args_.saved = {}; // the gates were overwritten
        gates_ = Floats();
        x_saved_ = Floats();
        h_saved_ = Floats();
        second_ = Floats();
        projected_ = Floats();
        for (Floats& state : states_) state = Floats();
        return py::make_tuple(dx, dkernel, drecurrent, dbias, dinitial, ddiagonal,
                              dprojection, dgamma, dbeta);
    }

    bool consumed() const { return args_.saved.gates == nullptr; }

  private:
    using StateArrays = std::vector<std::optional<FloatArray>>;

    std::vector<i64> output_shape() const {
        if (args_.return_sequences) return {batch_, time_, outputs_};
        return {batch_, outputs_};
    }

    i64 width(i64 state) const { return state == 0 ? outputs_ : units_; }

    StateArrays states_or_none(const char* name, const py::object& states) const {
        StateArrays arrays(static_cast<std::size_t>(shape_.states));
        if (states.is_none()) return arrays;
        const auto sequence = py::cast<py::sequence>(states);
        if (static_cast<i64>(sequence.size()) != shape_.states)
            fail(name, std::to_string(shape_.states) + " arrays", std::to_string(sequence.size()));
        for (std::size_t k = 0; k < arrays.size(); ++k)
            arrays[k] = shaped_or_none<float>(name, sequence[k],
                                              {batch_, width(static_cast<i64>(k))});
        return arrays;
    }

    void set_initial(const py::object& states) {
        initial_ = states_or_none("initial_states", states);
        for (std::size_t k = 0; k < initial_.size(); ++k)
            args_.initial[k] = data_or_null(initial_[k]);
    }

    void allocate() {
        const i64 tokens = args_.plan.tokens;
        gates_ = Floats(product({tokens > 0 ? tokens : 1, shape_.gates_row}));
        x_saved_ = Floats(product({tokens, shape_.x_row}));
        args_.saved = {};
        args_.saved.gates = gates_.get();
        args_.saved.x = x_saved_.get();
        for (i64 k = 0; k < shape_.states; ++k) {
            states_[k] = Floats(product({batch_ + tokens, shape_.state_row}));
            args_.saved.states[k] = states_[k].get();
        }
        // With rows of equal length, h of all tokens is one matrix already: the states themselves.
        if (args_.plan.ragged || recurrent_mask_) h_saved_ = Floats(product({tokens, shape_.state_row}));
        if (shape_.second) second_ = Floats(product({tokens, shape_.state_row}));
        args_.saved.h = h_saved_.get();
        if (projection_) projected_ = Floats(product({tokens, shape_.state_row}));
        args_.saved.second = second_.get();
        args_.saved.projected = projected_.get();
    }

    Cell cell_;
    FloatArray x_;
    i64 batch_, time_, inputs_, units_ = 0, outputs_ = 0;
    FloatArray kernel_, recurrent_kernel_;
    std::optional<FloatArray> bias_, diagonal_, projection_, input_mask_, recurrent_mask_;
    std::optional<py::array_t<bool>> mask_;
    NormWeights norms_;
    StateArrays initial_;
    CellShape shape_ = {};
    const Kernels* isa_ = nullptr; // the level that laid out the saved buffers
    std::shared_ptr<PackedWeights> packed_;
    std::unique_ptr<PlanStorage> plan_;
    Recurrent args_ = {};
    Floats gates_, x_saved_, h_saved_, second_, projected_, states_[kMaxStates];
};

struct KeptPass {
    std::unique_ptr<RecurrentPass> pass;
};

py::tuple recurrent_forward(const std::string& cell, const py::object& x, const py::object& kernel,
                            const py::object& recurrent_kernel, const py::object& bias,
                            const py::object& initial_states, const py::object& mask,
                            const py::object& dropout_mask,
                            const py::object& recurrent_dropout_mask, const std::string& activation,
                            const std::string& recurrent_activation, bool go_backwards,
                            bool zero_output_for_mask, bool return_sequences, bool keep,
                            std::shared_ptr<PackedWeights> packed, const py::object& peepholes,
                            const std::optional<float>& activation_clip,
                            const std::optional<float>& cell_clip,
                            const py::object& projection,
                            const std::optional<std::vector<double>>& zoneout,
                            const std::optional<u64>& zoneout_seed, bool bf16,
                            const py::object& gamma, const py::object& beta,
                            const std::optional<float>& epsilon) {
    // The Python object first: where memory for one runs out, pybind11 frees what it was to hold, which
    // would then be freed twice.
    const py::object saved = keep ? py::cast(KeptPass()) : py::none();
    auto pass = std::make_unique<RecurrentPass>(
        cell, x, kernel, recurrent_kernel, bias, initial_states, mask, dropout_mask,
        recurrent_dropout_mask, activation, recurrent_activation, go_backwards,
        zero_output_for_mask, return_sequences, peepholes, activation_clip, cell_clip,
        projection, zoneout, zoneout_seed, bf16, gamma, beta, epsilon);
    if (packed != nullptr) pass->use(std::move(packed));
    const py::tuple result = pass->forward(keep);
    if (keep) py::cast<KeptPass&>(saved).pass = std::move(pass);
    return py::make_tuple(result[0], result[1], saved);
}

} // namespace
} // namespace gw

void bind_recurrent(pybind11::module_& m) {
    namespace py = pybind11;
    py::class_<gw::KeptPass>(m, "RecurrentPass")
        .def_property_readonly("consumed",
                               [](const gw::KeptPass& kept) { return kept.pass->consumed(); });
    m.def("recurrent_forward", &gw::recurrent_forward, py::arg("cell"), py::arg("x"),
          py::arg("kernel"), py::arg("recurrent_kernel"), py::arg("bias"),
          py::arg("initial_states"), py::arg("mask"), py::arg("dropout_mask"),
          py::arg("recurrent_dropout_mask"), py::arg("activation"), py::arg("recurrent_activation"),
          py::arg("go_backwards"), py::arg("zero_output_for_mask"), py::arg("return_sequences"),
          py::arg("keep"), py::arg("packed") = py::none(), py::arg("peepholes") = py::none(),
          py::arg("activation_clip") = py::none(), py::arg("cell_clip") = py::none(),
          py::arg("projection") = py::none(),
          py::arg("zoneout") = py::none(), py::arg("zoneout_seed") = py::none(),
          py::arg("bf16") = false, py::arg("gamma") = py::none(),
          py::arg("beta") = py::none(), py::arg("epsilon") = py::none());
    m.def("recurrent_backward",
          [](gw::KeptPass& saved, const py::object& dy, const py::object& dstates,
             bool need_dx) { return saved.pass->backward(dy, dstates, need_dx); },
          py::arg("saved"), py::arg("dy"), py::arg("dstates"), py::arg("need_dx"));
    py::list names;
#define GW_CELL(n, type) names.append(#n);
#include "api/cells.def"
#undef GW_CELL
    m.attr("CELLS") = py::tuple(names);
}
