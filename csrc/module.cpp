#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_activation(py::module_&);
void bind_attention(py::module_&);
void bind_dense(py::module_&);
void bind_dropout(py::module_&);
void bind_embedding(py::module_&);
void bind_loss(py::module_&);
void bind_normalization(py::module_&);
void bind_optimizer(py::module_&);
void bind_packed_weights(py::module_&);
void bind_padding(py::module_&);
void bind_peak(py::module_&);
void bind_program(py::module_&);
void bind_recurrent(py::module_&);
void bind_recurrent_stream(py::module_&);
void bind_runtime(py::module_&);
void bind_window(py::module_&);

PYBIND11_MODULE(_core, m) {
    m.doc() = "Compiled kernels of gatework. Use gatework.ops instead: arguments here are raw arrays.";
    bind_runtime(m);
    bind_activation(m);
    bind_attention(m);
    bind_dense(m);
    bind_dropout(m);
    bind_embedding(m);
    bind_loss(m);
    bind_normalization(m);
    bind_optimizer(m);
    bind_packed_weights(m);
    bind_padding(m);
    bind_peak(m);
    bind_program(m);
    bind_recurrent(m);
    bind_recurrent_stream(m);
    bind_window(m);
}
