#include "bindings/arrays.h"
#include "runtime/dispatch.h"

#include <cmath>

namespace gw {
namespace {

// A Python list of float32 arrays as pointers and sizes; keeps the arrays alive.
class ArrayList {
  public:
    ArrayList(const char* name, const py::object& list, bool writable) {
        if (list.is_none()) return;
        const auto items = py::cast<py::sequence>(list);
        given_ = true;
        for (std::size_t i = 0; i < items.size(); ++i) {
            const std::string label = std::string(name) + "[" + std::to_string(i) + "]";
            FloatArray array = typed<float>(label.c_str(), items[i]);
            if (writable && !array.writeable()) fail(label, "writable", "read-only");
            sizes_.push_back(array.size());
            data_.push_back(const_cast<float*>(array.data()));
            arrays_.push_back(std::move(array));
        }
    }

    // The same number of arrays, of the same shapes.
    void require_like(const char* name, const ArrayList& other) const {
        if (!given_) return;
        if (arrays_.size() != other.arrays_.size())
            fail(name, "a list of " + std::to_string(other.arrays_.size()) + " arrays",
                 std::to_string(arrays_.size()));
        for (std::size_t i = 0; i < arrays_.size(); ++i)
            if (shape_text(arrays_[i]) != shape_text(other.arrays_[i]))
                fail(std::string(name) + "[" + std::to_string(i) + "]",
                     "of shape " + shape_text(other.arrays_[i]), shape_text(arrays_[i]));
    }

    ParameterList list() const {
        return {static_cast<i64>(sizes_.size()), sizes_.data(), given_ ? data_.data() : nullptr};
    }

  private:
    bool given_ = false;
    std::vector<FloatArray> arrays_;
    std::vector<i64> sizes_;
    std::vector<float*> data_;
};

// The weights and everything stored beside them.
struct Lists {
    ArrayList params, grads;
    Lists(const py::object& p, const py::object& g)
        : params("params", p, true), grads("grads", g, false) {
        grads.require_like("grads", params);
    }
    ArrayList slot(const char* name, const py::object& list) const {
        ArrayList slots(name, list, true);
        slots.require_like(name, params);
        return slots;
    }
};

void sgd_update(const py::object& params, const py::object& grads, const py::object& velocities,
                double lr, double momentum, bool nesterov, double scale) {
    const Lists lists(params, grads);
    const ArrayList v = lists.slot("velocities", velocities);
    const SgdUpdate u = {lists.params.list(),          lists.grads.list(),
                         v.list(),                     static_cast<float>(lr),
                         static_cast<float>(momentum), static_cast<float>(scale),
                         nesterov};
    run_kernel([&] { kernels().sgd_update(u); });
}

void rmsprop_update(const py::object& params, const py::object& grads, const py::object& v,
                    const py::object& momentums, const py::object& averages, double lr, double rho,
                    double momentum, double epsilon, double scale) {
    const Lists lists(params, grads);
    const ArrayList second = lists.slot("v", v), first = lists.slot("momentums", momentums);
    const ArrayList mean = lists.slot("averages", averages);
    const RmspropUpdate u = {lists.params.list(),
                             lists.grads.list(),
                             second.list(),
                             first.list(),
                             mean.list(),
                             static_cast<float>(lr),
                             static_cast<float>(rho),
                             static_cast<float>(1.0 - rho),
                             static_cast<float>(momentum),
                             static_cast<float>(epsilon),
                             static_cast<float>(scale)};
    run_kernel([&] { kernels().rmsprop_update(u); });
}

void adam_update(const py::object& params, const py::object& grads, const py::object& m,
                 const py::object& v, const py::object& v_hat, double lr, double beta_1,
                 double beta_2, double epsilon, i64 step, double weight_decay, double scale) {
    if (step < 1) fail("step", "at least 1", std::to_string(step));
    const Lists lists(params, grads);
    const ArrayList first = lists.slot("m", m), second = lists.slot("v", v);
    const ArrayList top = lists.slot("v_hat", v_hat);
    const double t = static_cast<double>(step);
    const double alpha =
        lr * std::sqrt(1.0 - std::pow(beta_2, t)) / (1.0 - std::pow(beta_1, t));
    const AdamUpdate u = {lists.params.list(),
                          lists.grads.list(),
                          first.list(),
                          second.list(),
                          top.list(),
                          static_cast<float>(alpha),
                          static_cast<float>(lr * weight_decay),
                          static_cast<float>(1.0 - beta_1),
                          static_cast<float>(1.0 - beta_2),
                          static_cast<float>(epsilon),
                          static_cast<float>(scale)};
    run_kernel([&] { kernels().adam_update(u); });
}

double global_norm(const py::object& arrays) {
    const ArrayList list("arrays", arrays, false);
    double sum = 0.0;
    run_kernel([&] { sum = kernels().sum_of_squares(list.list()); });
    return std::sqrt(sum);
}

} // namespace
} // namespace gw

void bind_optimizer(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("sgd_update", &gw::sgd_update, py::arg("params"), py::arg("grads"), py::arg("velocities"),
          py::arg("lr"), py::arg("momentum"), py::arg("nesterov"), py::arg("scale"));
    m.def("rmsprop_update", &gw::rmsprop_update, py::arg("params"), py::arg("grads"), py::arg("v"),
          py::arg("momentums"), py::arg("averages"), py::arg("lr"), py::arg("rho"),
          py::arg("momentum"), py::arg("epsilon"), py::arg("scale"));
    m.def("adam_update", &gw::adam_update, py::arg("params"), py::arg("grads"), py::arg("m"),
          py::arg("v"), py::arg("v_hat"), py::arg("lr"), py::arg("beta_1"), py::arg("beta_2"),
          py::arg("epsilon"), py::arg("step"), py::arg("weight_decay"), py::arg("scale"));
    m.def("global_norm", &gw::global_norm, py::arg("arrays"));
}
