#include "bindings/constructor.h"
#include "bindings/packed_weights.h"
#include "runtime/memory.h"
#include "runtime/sequence_plan.h"

#include <cstring>
#include <memory>
#include <mutex>

namespace gw {
namespace {

// One step at a time with the states kept between the calls.
class RecurrentStream {
  public:
    RecurrentStream(std::shared_ptr<PackedWeights> weights, i64 batch, const std::string& activation,
                    const std::string& recurrent_activation,
                    const std::optional<float>& activation_clip,
                    const std::optional<float>& cell_clip,
                    const std::optional<std::vector<double>>& zoneout,
                    const std::optional<float>& epsilon)
        : weights_(std::move(weights)), batch_(batch) {
        if (batch <= 0) fail("batch", "positive", std::to_string(batch));
        plan_ = std::make_unique<PlanStorage>(batch, 1, nullptr, false);
        args_.plan = plan_->plan();
        args_.inputs = weights_->inputs;
        args_.units = weights_->units;
        args_.outputs = weights_->outputs;
        args_.packed = weights_->data();
        args_.bf16 = weights_->bf16;
        args_.int8 = weights_->int8;
        args_.activation = parse_activation("activation", activation);
        args_.recurrent_activation =
            parse_activation("recurrent_activation", recurrent_activation);
        args_.activation_clip = parse_bound("activation_clip", activation_clip);
        args_.cell_clip = parse_bound("cell_clip", cell_clip);
        args_.epsilon = epsilon ? parse_bound("epsilon", epsilon) : kEpsilon;
        args_.zoneout = parse_zoneout(zoneout, std::nullopt, weights_->shape.states);
        // A step reads all initial states before it writes the final ones: they may be the same.
        for (i64 k = 0; k < weights_->shape.states; ++k) {
            states_[k] = Floats(batch_ * width(k));
            args_.initial[k] = args_.final_states[k] = states_[k].get();
        }
        reset();
    }

    FloatArray step(const py::object& x) {
        const FloatArray in = shaped<float>("x", x, {batch_, weights_->inputs});
        FloatArray y({batch_, weights_->outputs});
        run(in.data(), y.mutable_data());
        return y;
    }

    void step_into(const py::object& x, const py::object& out) {
        const FloatArray in = shaped<float>("x", x, {batch_, weights_->inputs});
        FloatArray y = shaped<float>("out", out, {batch_, weights_->outputs});
        run(in.data(), y.mutable_data());
    }

    void reset() {
        for (i64 k = 0; k < weights_->shape.states; ++k)
            std::memset(states_[k].get(), 0, state_bytes(k));
    }

    py::tuple states() const {
        py::tuple found(weights_->shape.states);
        for (i64 k = 0; k < weights_->shape.states; ++k) {
            FloatArray state({batch_, width(k)});
            std::memcpy(state.mutable_data(), states_[k].get(), state_bytes(k));
            found[static_cast<std::size_t>(k)] = state;
        }
        return found;
    }

    void set_states(const py::sequence& states) {
        if (static_cast<i64>(states.size()) != weights_->shape.states)
            fail("states", std::to_string(weights_->shape.states) + " arrays",
                 std::to_string(states.size()));
        std::vector<FloatArray> given;
        given.reserve(states.size());
        for (std::size_t k = 0; k < states.size(); ++k)
            given.push_back(
                shaped<float>("states", states[k], {batch_, width(static_cast<i64>(k))}));
        for (std::size_t k = 0; k < given.size(); ++k)
            std::memcpy(states_[k].get(), given[k].data(), state_bytes(static_cast<i64>(k)));
    }

  private:
    i64 width(i64 state) const { return state == 0 ? weights_->outputs : weights_->units; }
    std::size_t state_bytes(i64 state) const {
        return static_cast<std::size_t>(batch_ * width(state)) * sizeof(float);
    }

    void run(const float* x, float* y) {
        run_kernel([&] {
            const std::lock_guard<std::mutex> lock(mutex_);
            args_.x = x;
            args_.y = y;
            weights_->isa->recurrent_forward(weights_->cell, args_);
        });
    }

    std::shared_ptr<PackedWeights> weights_;
    i64 batch_;
    std::unique_ptr<PlanStorage> plan_;
    std::mutex mutex_; // one step after the other, whatever threads they come from
    Recurrent args_ = {};
    Floats states_[kMaxStates];
};

} // namespace
} // namespace gw

void bind_recurrent_stream(pybind11::module_& m) {
    namespace py = pybind11;
    using gw::RecurrentStream;
    py::class_<RecurrentStream> stream(m, "RecurrentStream");
    gw::def_constructor<std::shared_ptr<gw::PackedWeights>, gw::i64, const std::string&,
                        const std::string&, const std::optional<float>&,
                        const std::optional<float>&, const std::optional<std::vector<double>>&,
                        const std::optional<float>&>(
        stream, py::arg("weights"), py::arg("batch"), py::arg("activation"),
        py::arg("recurrent_activation"), py::arg("activation_clip") = py::none(),
        py::arg("cell_clip") = py::none(), py::arg("zoneout") = py::none(),
        py::arg("epsilon") = py::none());
    stream.def("step", &RecurrentStream::step, py::arg("x"))
        .def("step_into", &RecurrentStream::step_into, py::arg("x"), py::arg("out"))
        .def("reset", &RecurrentStream::reset)
        .def_property("states", &RecurrentStream::states, &RecurrentStream::set_states);
}
