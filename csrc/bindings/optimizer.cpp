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

// The weights, their gradients, and what an optimizer keeps beside them; runs a rule over them.
class Update {
  public:
    struct Slot {
        const char* name;
        const py::object& list;
        bool optional = false; // may be None
    };

    Update(const py::object& params, const py::object& grads, std::initializer_list<Slot> slots,
           double scale, double decay)
        : params_("params", params), grads_("grads", grads) {
        params_.require_writable();
        grads_.require_like(params_);
        std::size_t count = 0;
        for (const Slot& given : slots) {
            ArrayList& slot = slots_[count++];
            if (given.optional && given.list.is_none()) continue;
            slot = ArrayList(given.name, given.list);
            slot.require_writable();
            slot.require_like(params_);
        }
        lists_.params = params_.list();
        lists_.grads = grads_.list();
        for (std::size_t i = 0; i < count; ++i) lists_.slots[i] = slots_[i].list();
        lists_.scale = static_cast<float>(scale);
        lists_.decay = static_cast<float>(decay);
    }

    template <class Rule>
    void run(void (*Kernels::*kernel)(const WeightLists&, const Rule&), const Rule& rule) const {
        run_kernel([&] { (kernels().*kernel)(lists_, rule); });
    }

  private:
    ArrayList params_, grads_, slots_[3];
    WeightLists lists_ = {};
};

float rounded(double x) { return static_cast<float>(x); }

// What a running mean that starts at zero lacks after t steps: 1 - beta^t.
double warmth(double beta, i64 step) {
    if (step < 1) fail("step", "at least 1", std::to_string(step));
    return 1.0 - std::pow(beta, static_cast<double>(step));
}

void sgd_update(const py::object& params, const py::object& grads, const py::object& velocities,
                double lr, double momentum, bool nesterov, double scale, double weight_decay) {
    const Sgd rule = {rounded(lr), velocities.is_none() ? 0.0f : rounded(momentum), nesterov};
    Update(params, grads, {{"velocities", velocities, true}}, scale, lr * weight_decay)
        .run(&Kernels::sgd_update, rule);
}

void rmsprop_update(const py::object& params, const py::object& grads, const py::object& v,
                    const py::object& momentums, const py::object& averages, double lr, double rho,
                    double momentum, double epsilon, double scale, double weight_decay) {
    const Rmsprop rule = {rounded(lr),       rounded(rho),     rounded(1.0 - rho),
                          rounded(momentum), rounded(epsilon), !averages.is_none()};
    Update(params, grads, {{"v", v}, {"momentums", momentums, true}, {"averages", averages, true}}, scale,
           lr * weight_decay)
        .run(&Kernels::rmsprop_update, rule);
}

void adam_update(const py::object& params, const py::object& grads, const py::object& m,
                 const py::object& v, const py::object& v_hat, double lr, double beta_1,
                 double beta_2, double epsilon, i64 step, double weight_decay, double scale) {
    const double alpha = lr * std::sqrt(warmth(beta_2, step)) / warmth(beta_1, step);
    const Adam rule = {rounded(alpha), rounded(1.0 - beta_1), rounded(1.0 - beta_2),
                       rounded(epsilon), !v_hat.is_none()};
    Update(params, grads, {{"m", m}, {"v", v}, {"v_hat", v_hat, true}}, scale, lr * weight_decay)
        .run(&Kernels::adam_update, rule);
}

void adamax_update(const py::object& params, const py::object& grads, const py::object& m,
                   const py::object& norm, double lr, double beta_1, double beta_2, double epsilon,
                   i64 step, double scale, double weight_decay) {
    const Adamax rule = {rounded(lr / warmth(beta_1, step)), rounded(beta_2),
                         rounded(1.0 - beta_1), rounded(epsilon)};
    Update(params, grads, {{"m", m}, {"norm", norm}}, scale, lr * weight_decay)
        .run(&Kernels::adamax_update, rule);
}

void nadam_update(const py::object& params, const py::object& grads, const py::object& m,
                  const py::object& v, double lr, double beta_1, double beta_2, double epsilon,
                  i64 step, double product, double scale, double weight_decay) {
    // The schedule of the momentum: now, and at the next step.
    const auto t = static_cast<double>(step);
    const double now = beta_1 * (1.0 - 0.5 * std::pow(0.96, t));
    const double next = beta_1 * (1.0 - 0.5 * std::pow(0.96, t + 1.0));
    const Nadam rule = {rounded(lr),
                        rounded(next / (1.0 - product * next)),
                        rounded((1.0 - now) / (1.0 - product)),
                        rounded(1.0 / warmth(beta_2, step)),
                        rounded(1.0 - beta_1),
                        rounded(1.0 - beta_2),
                        rounded(epsilon)};
    Update(params, grads, {{"m", m}, {"v", v}}, scale, lr * weight_decay)
        .run(&Kernels::nadam_update, rule);
}

void adagrad_update(const py::object& params, const py::object& grads, const py::object& sums,
                    double lr, double epsilon, double scale, double weight_decay) {
    const Adagrad rule = {rounded(lr), rounded(epsilon)};
    Update(params, grads, {{"sums", sums}}, scale, lr * weight_decay)
        .run(&Kernels::adagrad_update, rule);
}

void adadelta_update(const py::object& params, const py::object& grads, const py::object& squares,
                     const py::object& steps, double lr, double rho, double epsilon, double scale,
                     double weight_decay) {
    const Adadelta rule = {rounded(lr), rounded(rho), rounded(1.0 - rho), rounded(epsilon)};
    Update(params, grads, {{"squares", squares}, {"steps", steps}}, scale, lr * weight_decay)
        .run(&Kernels::adadelta_update, rule);
}

void lion_update(const py::object& params, const py::object& grads, const py::object& m, double lr,
                 double beta_1, double beta_2, double scale, double weight_decay) {
    const Lion rule = {rounded(lr), rounded(beta_1), rounded(1.0 - beta_1), rounded(beta_2),
                       rounded(1.0 - beta_2)};
    Update(params, grads, {{"m", m}}, scale, lr * weight_decay).run(&Kernels::lion_update, rule);
}

void ftrl_update(const py::object& params, const py::object& grads, const py::object& sums,
                 const py::object& linears, double lr, double power, double l1, double l2,
                 double shrinkage, double beta, double scale, double weight_decay) {
    const Ftrl rule = {rounded(lr), rounded(-power), rounded(l1), rounded(l2 + beta / (2.0 * lr)),
                       rounded(shrinkage)};
    Update(params, grads, {{"sums", sums}, {"linears", linears}}, scale, lr * weight_decay)
        .run(&Kernels::ftrl_update, rule);
}

void schedule_free_adam_update(const py::object& params, const py::object& grads,
                               const py::object& z, const py::object& v, double lr, double beta_1,
                               double beta_2, double epsilon, i64 step, double scale,
                               double weight_decay) {
    const ScheduleFreeAdam rule = {rounded(lr),
                                   rounded(beta_1),
                                   rounded(1.0 - beta_1),
                                   rounded(1.0 - beta_2),
                                   rounded(epsilon),
                                   rounded(1.0 / warmth(beta_2, step)),
                                   rounded(1.0 / static_cast<double>(step))};
    Update(params, grads, {{"z", z}, {"v", v}}, scale, lr * weight_decay)
        .run(&Kernels::schedule_free_adam_update, rule);
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
          py::arg("lr"), py::arg("momentum"), py::arg("nesterov"), py::arg("scale"),
          py::arg("weight_decay") = 0.0);
    m.def("rmsprop_update", &gw::rmsprop_update, py::arg("params"), py::arg("grads"), py::arg("v"),
          py::arg("momentums"), py::arg("averages"), py::arg("lr"), py::arg("rho"),
          py::arg("momentum"), py::arg("epsilon"), py::arg("scale"), py::arg("weight_decay") = 0.0);
    m.def("adam_update", &gw::adam_update, py::arg("params"), py::arg("grads"), py::arg("m"),
          py::arg("v"), py::arg("v_hat"), py::arg("lr"), py::arg("beta_1"), py::arg("beta_2"),
          py::arg("epsilon"), py::arg("step"), py::arg("weight_decay"), py::arg("scale"));
    m.def("adamax_update", &gw::adamax_update, py::arg("params"), py::arg("grads"), py::arg("m"),
          py::arg("norm"), py::arg("lr"), py::arg("beta_1"), py::arg("beta_2"), py::arg("epsilon"),
          py::arg("step"), py::arg("scale"), py::arg("weight_decay") = 0.0);
    m.def("nadam_update", &gw::nadam_update, py::arg("params"), py::arg("grads"), py::arg("m"),
          py::arg("v"), py::arg("lr"), py::arg("beta_1"), py::arg("beta_2"), py::arg("epsilon"),
          py::arg("step"), py::arg("product"), py::arg("scale"), py::arg("weight_decay") = 0.0);
    m.def("adagrad_update", &gw::adagrad_update, py::arg("params"), py::arg("grads"),
          py::arg("sums"), py::arg("lr"), py::arg("epsilon"), py::arg("scale"),
          py::arg("weight_decay") = 0.0);
    m.def("adadelta_update", &gw::adadelta_update, py::arg("params"), py::arg("grads"),
          py::arg("squares"), py::arg("steps"), py::arg("lr"), py::arg("rho"), py::arg("epsilon"),
          py::arg("scale"), py::arg("weight_decay") = 0.0);
    m.def("lion_update", &gw::lion_update, py::arg("params"), py::arg("grads"), py::arg("m"),
          py::arg("lr"), py::arg("beta_1"), py::arg("beta_2"), py::arg("scale"),
          py::arg("weight_decay") = 0.0);
    m.def("ftrl_update", &gw::ftrl_update, py::arg("params"), py::arg("grads"), py::arg("sums"),
          py::arg("linears"), py::arg("lr"), py::arg("power"), py::arg("l1"), py::arg("l2"),
          py::arg("shrinkage"), py::arg("beta"), py::arg("scale"), py::arg("weight_decay") = 0.0);
    m.def("schedule_free_adam_update", &gw::schedule_free_adam_update, py::arg("params"),
          py::arg("grads"), py::arg("z"), py::arg("v"), py::arg("lr"), py::arg("beta_1"),
          py::arg("beta_2"), py::arg("epsilon"), py::arg("step"), py::arg("scale"),
          py::arg("weight_decay") = 0.0);
    m.def("global_norm", &gw::global_norm, py::arg("arrays"));
}
