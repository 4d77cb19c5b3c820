#include "bindings/indices.h"
#include "runtime/dispatch.h"

namespace gw {
namespace {

// Logits [N, V] and one label of [0, V) for each row.
struct Classification {
    FloatArray logits;
    std::vector<i64> labels;
    i64 n, classes;

    Classification(const py::object& x, const py::object& y)
        : logits(shaped<float>("logits", x, {-1, -1})), n(logits.shape(0)), classes(logits.shape(1)) {
        labels = checked_indices("labels", y, classes);
        if (static_cast<i64>(labels.size()) != n)
            fail("labels", "of shape (" + std::to_string(n) + ",)",
                 std::to_string(labels.size()) + " labels");
    }
};

py::tuple softmax_cross_entropy_forward(const py::object& logits, const py::object& labels) {
    const Classification c(logits, labels);
    FloatArray loss = new_floats({c.n}), lse = new_floats({c.n});
    const SoftmaxCrossEntropy s = {c.logits.data(),    c.labels.data(), loss.mutable_data(),
                                   lse.mutable_data(), c.n,             c.classes};
    run_kernel([&] { kernels().softmax_cross_entropy_forward(s); });
    return py::make_tuple(loss, lse);
}

FloatArray softmax_cross_entropy_backward(const py::object& logits, const py::object& labels,
                                          const py::object& lse, const py::object& dloss) {
    const Classification c(logits, labels);
    const FloatArray sums = shaped<float>("lse", lse, {c.n});
    const FloatArray grad = shaped<float>("dloss", dloss, {c.n});
    FloatArray dx = new_floats({c.n, c.classes});
    const SoftmaxCrossEntropyGrad s = {c.logits.data(), c.labels.data(),   sums.data(),
                                       grad.data(),     dx.mutable_data(), c.n,
                                       c.classes};
    run_kernel([&] { kernels().softmax_cross_entropy_backward(s); });
    return dx;
}

FloatArray same_shape(const char* name, const py::object& object, const FloatArray& like) {
    return shaped<float>(name, object, std::vector<i64>(like.shape(), like.shape() + like.ndim()));
}

FloatArray binary_cross_entropy_forward(const py::object& logits, const py::object& targets) {
    const FloatArray x = typed<float>("logits", logits);
    const FloatArray t = same_shape("targets", targets, x);
    FloatArray loss(std::vector<py::ssize_t>(x.shape(), x.shape() + x.ndim()));
    float* out = loss.mutable_data();
    run_kernel([&] { kernels().binary_cross_entropy_forward(x.data(), t.data(), out, x.size()); });
    return loss;
}

FloatArray binary_cross_entropy_backward(const py::object& logits, const py::object& targets,
                                         const py::object& dloss) {
    const FloatArray x = typed<float>("logits", logits);
    const FloatArray t = same_shape("targets", targets, x);
    const FloatArray grad = same_shape("dloss", dloss, x);
    FloatArray dx(std::vector<py::ssize_t>(x.shape(), x.shape() + x.ndim()));
    float* out = dx.mutable_data();
    run_kernel([&] {
        kernels().binary_cross_entropy_backward(x.data(), t.data(), grad.data(), out, x.size());
    });
    return dx;
}

} // namespace
} // namespace gw

void bind_loss(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("softmax_cross_entropy_forward", &gw::softmax_cross_entropy_forward, py::arg("logits"),
          py::arg("labels"));
    m.def("softmax_cross_entropy_backward", &gw::softmax_cross_entropy_backward, py::arg("logits"),
          py::arg("labels"), py::arg("lse"), py::arg("dloss"));
    m.def("binary_cross_entropy_forward", &gw::binary_cross_entropy_forward, py::arg("logits"),
          py::arg("targets"));
    m.def("binary_cross_entropy_backward", &gw::binary_cross_entropy_backward, py::arg("logits"),
          py::arg("targets"), py::arg("dloss"));
}
