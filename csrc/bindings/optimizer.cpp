#include "bindings/arrays.h"
#include "runtime/dispatch.h"

#include <algorithm>
#include <cmath>

namespace gw {
namespace {

// A Python list of float32 arrays as pointers and sizes; keeps the arrays alive.
class ArrayList {
  public:
    ArrayList() = default; // not given

    ArrayList(const char* name, const py::object& list) : given_(true), name_(name) {
        if (!py::isinstance<py::list>(list) && !py::isinstance<py::tuple>(list))
            fail_type(name, "a list of arrays", type_name(list));
        const auto items = py::reinterpret_borrow<py::sequence>(list);
        for (std::size_t i = 0; i < items.size(); ++i) {
            arrays_.push_back(typed<float>(label(i).c_str(), items[i]));
            sizes_.push_back(arrays_.back().size());
            data_.push_back(const_cast<float*>(arrays_.back().data()));
        }
    }

    void require_writable() const {
        for (std::size_t i = 0; i < arrays_.size(); ++i)
            if (!arrays_[i].writeable()) fail(label(i), "writable", "read-only");
    }

    // The same number of arrays, of the same shapes.
    void require_like(const ArrayList& other) const {
        if (arrays_.size() != other.arrays_.size())
            fail(name_, "a list of " + std::to_string(other.arrays_.size()) + " arrays",
                 "of " + std::to_string(arrays_.size()));
        for (std::size_t i = 0; i < arrays_.size(); ++i) {
            const FloatArray &mine = arrays_[i], &wanted = other.arrays_[i];
            if (!std::equal(mine.shape(), mine.shape() + mine.ndim(), wanted.shape(),
                            wanted.shape() + wanted.ndim()))
                fail(label(i), "of shape " + shape_text(wanted), shape_text(mine));
        }
    }

    ParameterList list() const {
        return {static_cast<i64>(sizes_.size()), sizes_.data(), given_ ? data_.data() : nullptr};
    }

  private:
    std::string label(std::size_t i) const { return name_ + "[" + std::to_string(i) + "]"; }

    bool given_ = false;
    std::string name_;
    std::vector<FloatArray> arrays_;
    std::vector<i64> sizes_;
    std::vector<float*> data_;
};

// The weights, their gradients, and what an optimizer keeps beside them.
class Lists {
  public:
    Lists(const py::object& params, const py::object& grads)
        : params_("params", params), grads_("grads", grads) {
        params_.require_writable();
        grads_.require_like(params_);
    }
    ParameterList params() const { return params_.list(); }
    ParameterList grads() const { return grads_.list(); }

    ArrayList slots(const char* name, const py::object& list) const {
        ArrayList slots(name, list);
        slots.require_writable();
        slots.require_like(params_);
        return slots;
    }
    ArrayList slots_or_none(const char* name, const py::object& list) const {
        return list.is_none() ? ArrayList() : slots(name, list);
    }

  private:
    ArrayList params_, grads_;
};

void sgd_update(const py::object& params, const py::object& grads, const py::object& velocities,
                double lr, double momentum, bool nesterov, double scale) {
    const Lists lists(params, grads);
    const ArrayList v = lists.slots_or_none("velocities", velocities);
    SgdUpdate u = {};
    u.params = lists.params();
    u.grads = lists.grads();
    u.velocities = v.list();
    u.lr = static_cast<float>(lr);
    u.momentum = static_cast<float>(momentum);
    u.scale = static_cast<float>(scale);
    u.nesterov = nesterov;
    run_kernel([&] { kernels().sgd_update(u); });
}

void rmsprop_update(const py::object& params, const py::object& grads, const py::object& v,
                    const py::object& momentums, const py::object& averages, double lr, double rho,
                    double momentum, double epsilon, double scale) {
    const Lists lists(params, grads);
    const ArrayList second = lists.slots("v", v);
    const ArrayList first = lists.slots_or_none("momentums", momentums);
    const ArrayList mean = lists.slots_or_none("averages", averages);
    RmspropUpdate u = {};
    u.params = lists.params();
    u.grads = lists.grads();
    u.v = second.list();
    u.momentums = first.list();
    u.averages = mean.list();
    u.lr = static_cast<float>(lr);
    u.rho = static_cast<float>(rho);
    u.fresh = static_cast<float>(1.0 - rho);
    u.momentum = static_cast<float>(momentum);
    u.epsilon = static_cast<float>(epsilon);
    u.scale = static_cast<float>(scale);
    run_kernel([&] { kernels().rmsprop_update(u); });
}

void adam_update(const py::object& params, const py::object& grads, const py::object& m,
                 const py::object& v, const py::object& v_hat, double lr, double beta_1,
                 double beta_2, double epsilon, i64 step, double weight_decay, double scale) {
    if (step < 1) fail("step", "at least 1", std::to_string(step));
    const Lists lists(params, grads);
    const ArrayList first = lists.slots("m", m), second = lists.slots("v", v);
    const ArrayList top = lists.slots_or_none("v_hat", v_hat);
    const double t = static_cast<double>(step);
    AdamUpdate u = {};
    u.params = lists.params();
    u.grads = lists.grads();
    u.m = first.list();
    u.v = second.list();
    u.v_hat = top.list();
    u.alpha = static_cast<float>(lr * std::sqrt(1.0 - std::pow(beta_2, t)) /
                                 (1.0 - std::pow(beta_1, t)));
    u.decay = static_cast<float>(lr * weight_decay);
    u.fresh_1 = static_cast<float>(1.0 - beta_1);
    u.fresh_2 = static_cast<float>(1.0 - beta_2);
    u.epsilon = static_cast<float>(epsilon);
    u.scale = static_cast<float>(scale);
    run_kernel([&] { kernels().adam_update(u); });
}

double global_norm(const py::object& arrays) {
    const ArrayList list("arrays", arrays);
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
