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
    FloatArray loss = floats_like(x);
    float* out = loss.mutable_data();
    run_kernel([&] { kernels().binary_cross_entropy_forward(x.data(), t.data(), out, x.size()); });
    return loss;
}

FloatArray binary_cross_entropy_backward(const py::object& logits, const py::object& targets,
                                         const py::object& dloss) {
    const FloatArray x = typed<float>("logits", logits);
    const FloatArray t = same_shape("targets", targets, x);
    const FloatArray grad = same_shape("dloss", dloss, x);
    FloatArray dx = floats_like(x);
    float* out = dx.mutable_data();
    run_kernel([&] {
        kernels().binary_cross_entropy_backward(x.data(), t.data(), grad.data(), out, x.size());
    });
    return dx;
}

py::tuple ctc(const py::object& logits, const py::object& labels, const py::object& label_counts,
              const py::object& frames, i64 blank, bool need_gradient) {
    const FloatArray x = shaped<float>("logits", logits, {-1, -1, -1});
    const i64 batch = x.shape(0), time = x.shape(1), classes = x.shape(2);
    const py::array_t<i64> table = shaped<i64>("labels", labels, {batch, -1});
    const i64 width = table.shape(1);
    if (blank < 0 || blank >= classes)
        fail("blank", "in [0, " + std::to_string(classes) + ")", std::to_string(blank));
    const std::vector<i64> counts =
        checked_indices("label_counts", shaped<i64>("label_counts", label_counts, {batch}), width + 1);
    const std::vector<i64> lengths =
        checked_indices("frames", shaped<i64>("frames", frames, {batch}), time + 1);
    // A checked copy; what lies after the labels of a row may be anything.
    std::vector<i64> rows(static_cast<std::size_t>(batch * width), 0);
    for (i64 b = 0; b < batch; ++b) {
        const auto row = static_cast<std::size_t>(b);
        i64 needed = counts[row];
        for (i64 i = 0; i < counts[row]; ++i) {
            const auto at = static_cast<std::size_t>(b * width + i);
            const i64 label = rows[at] = table.data()[at];
            if (label < 0 || label >= classes || label == blank)
                fail("labels", "in [0, " + std::to_string(classes) + ") and not the blank " +
                     std::to_string(blank),
                     std::to_string(label) + " at position (" + std::to_string(b) + ", " +
                         std::to_string(i) + ")");
            if (i > 0 && rows[at - 1] == label) ++needed;
        }
        if (needed > lengths[row])
            fail("frames", "at least " + std::to_string(needed) + " for the " +
                 std::to_string(counts[row]) + " labels of row " + std::to_string(b) +
                 ", one for each and one between two that are equal",
                 std::to_string(lengths[row]));
    }
    FloatArray loss = new_floats({batch});
    py::object gradient = py::none();
    float* dlogits = nullptr;
    if (need_gradient) {
        FloatArray dx = new_floats({batch, time, classes});
        dlogits = dx.mutable_data();
        gradient = std::move(dx);
    }
    const Ctc c = {x.data(), rows.data(), counts.data(), lengths.data(), loss.mutable_data(),
                   dlogits,  batch,       time,          classes,        width,
                   blank};
    run_kernel([&] { kernels().ctc(c); });
    return py::make_tuple(loss, gradient);
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
    m.def("ctc", &gw::ctc, py::arg("logits"), py::arg("labels"), py::arg("label_counts"),
          py::arg("frames"), py::arg("blank"), py::arg("need_gradient"));
}
