// Checked views of NumPy arrays, and the sentences of their errors.
#pragma once
#include "api/types.h"
#include "bindings/without_gil.h"
#include "runtime/interrupt.h"
#include "runtime/parallel.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace gw {

namespace py = pybind11;

using FloatArray = py::array_t<float>;
using ByteArray = py::array_t<std::int8_t>;

inline std::string shape_text(const py::array& array) {
    std::string text = "(";
    for (py::ssize_t i = 0; i < array.ndim(); ++i)
        text += (i ? ", " : "") + std::to_string(array.shape(i));
    return text + (array.ndim() == 1 ? ",)" : ")");
}

inline std::string shape_text(const std::vector<i64>& shape) {
    std::string text = "(";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        text += i ? ", " : "";
        text += shape[i] < 0 ? std::string("any") : std::to_string(shape[i]);
    }
    return text + (shape.size() == 1 ? ",)" : ")");
}

// "<name> must be <rule>, not <found>"
[[noreturn]] inline void fail(const std::string& name, const std::string& rule,
                              const std::string& found) {
    throw py::value_error(name + " must be " + rule + ", not " + found);
}

[[noreturn]] inline void fail_type(const std::string& name, const std::string& rule,
                                   const std::string& found) {
    throw py::type_error(name + " must be " + rule + ", not " + found);
}

inline std::string type_name(const py::handle& object) {
    return py::str(py::type::handle_of(object).attr("__name__"));
}

// Nearly every array shares the one dtype object of its type; comparing two takes longer than the rest.
template <class T> bool holds(const py::array& array) {
    return py::detail::array_proxy(array.ptr())->descr == py::dtype::of<T>().ptr() ||
           py::isinstance<py::array_t<T>>(array);
}

// A C-contiguous array of T. Anything else is refused: conversions belong to the Python side, where
// they are explicit.
template <class T> py::array_t<T> typed(const char* name, const py::handle& object) {
    auto kind = [] { return std::string(py::str(py::dtype::of<T>())); };
    if (!py::isinstance<py::array>(object))
        fail_type(name, "a NumPy array of " + kind(), type_name(object));
    const auto array = py::reinterpret_borrow<py::array>(object);
    if (!holds<T>(array))
        fail_type(name, "an array of " + kind(), "one of " + std::string(py::str(array.dtype())));
    constexpr int contiguous = py::array::c_style, aligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    constexpr int wanted = contiguous | aligned;
    if ((array.flags() & wanted) != wanted) fail(name, "C-contiguous and aligned", "strided");
    return py::reinterpret_borrow<py::array_t<T>>(array);
}

// Negative sizes in `shape` match anything.
template <class T>
py::array_t<T> shaped(const char* name, const py::handle& object, const std::vector<i64>& shape) {
    py::array_t<T> array = typed<T>(name, object);
    bool ok = array.ndim() == static_cast<py::ssize_t>(shape.size());
    for (std::size_t i = 0; ok && i < shape.size(); ++i)
        ok = shape[i] < 0 || array.shape(static_cast<py::ssize_t>(i)) == shape[i];
    if (!ok) fail(name, "of shape " + shape_text(shape), shape_text(array));
    return array;
}

// A matrix of floats whose rows and columns may lie any number of floats apart.
struct StridedMatrix {
    FloatArray array;
    i64 rows, columns, row_step, column_step;
};

inline StridedMatrix strided_matrix(const char* name, const py::handle& object) {
    if (!py::isinstance<py::array>(object))
        fail_type(name, "a NumPy array of float32", type_name(object));
    const auto array = py::reinterpret_borrow<py::array>(object);
    if (!holds<float>(array))
        fail_type(name, "an array of float32", "one of " + std::string(py::str(array.dtype())));
    if (array.ndim() != 2) fail(name, "of shape (any, any)", shape_text(array));
    constexpr i64 kSize = sizeof(float);
    if (!(array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) ||
        array.strides(0) % kSize != 0 || array.strides(1) % kSize != 0)
        fail(name, "aligned", "not so");
    StridedMatrix m = {py::reinterpret_borrow<FloatArray>(array), array.shape(0), array.shape(1),
                       array.strides(0) / kSize, array.strides(1) / kSize};
    if (m.columns <= 1) m.column_step = 1; // NumPy gives any stride to an axis of size one
    if (m.rows <= 1) m.row_step = m.column_step == 1 ? m.columns : 1;
    return m;
}

// As `shaped`, but None gives an empty optional.
template <class T>
std::optional<py::array_t<T>> shaped_or_none(const char* name, const py::handle& object,
                                             const std::vector<i64>& shape) {
    if (object.is_none()) return std::nullopt;
    return shaped<T>(name, object, shape);
}

template <class T> const T* data_or_null(const std::optional<py::array_t<T>>& array) {
    return array ? array->data() : nullptr;
}

// An array of that shape, not initialised. Large ones lie in the blocks that kernels reuse: the system
// takes memory of this size back as soon as it is free, and fresh pages cost more than what fills them.
FloatArray new_floats(const std::vector<i64>& shape);

inline FloatArray floats_like(const py::array& x) {
    return new_floats(std::vector<i64>(x.shape(), x.shape() + x.ndim()));
}

// The activation of that name. Raises ValueError naming the argument.
Activation parse_activation(const char* argument, const std::string& name);

// Runs f without the GIL, interruptible by Ctrl-C.
template <class F> void run_kernel(const F& f) {
    try {
        const WithoutGil released;
        const Operation operation(&WithoutGil::signal_raised);
        f();
    } catch (const Interrupted&) {
        throw py::error_already_set();
    }
}

} // namespace gw
