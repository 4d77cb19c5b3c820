#include "bindings/arrays.h"

#include <cmath>
#include <limits>

namespace gw {
namespace {

[[noreturn]] void fail_item(py::ssize_t row, py::ssize_t at, const std::string& rule,
                            const py::handle& item) {
    fail("sequences[" + std::to_string(row) + "][" + std::to_string(at) + "]", rule,
         py::cast<std::string>(py::repr(item)));
}

// A number that does not fit is refused, as NumPy refuses it: with OverflowError.
template <class T> void require_fit(bool fits, const py::handle& item) {
    if (fits) return;
    const std::string text = "Python integer " + py::cast<std::string>(py::str(item)) +
                             " out of bounds for " + py::cast<std::string>(py::str(py::dtype::of<T>()));
    PyErr_SetString(PyExc_OverflowError, text.c_str());
    throw py::error_already_set();
}

template <class T> T number(const py::handle& item, py::ssize_t row, py::ssize_t at) {
    PyObject* o = item.ptr();
    if (PyLong_Check(o)) {
        int overflow = 0;
        const long long whole = PyLong_AsLongLongAndOverflow(o, &overflow);
        if constexpr (std::is_integral_v<T>) {
            require_fit<T>(overflow == 0 && whole >= std::numeric_limits<T>::min() &&
                               whole <= std::numeric_limits<T>::max(),
                           item);
            return static_cast<T>(whole);
        }
        if (overflow == 0) return static_cast<T>(whole);
    }
    if (PyFloat_Check(o) || PyLong_Check(o)) {
        const double real = PyFloat_AsDouble(o);
        if (real == -1.0 && PyErr_Occurred()) throw py::error_already_set();
        if constexpr (std::is_integral_v<T>) {
            // Fractions are cut, as NumPy does; what has no integer at all is refused.
            if (!std::isfinite(real)) fail_item(row, at, "finite for an integer dtype", item);
            const double low = static_cast<double>(std::numeric_limits<T>::min());
            require_fit<T>(real > low - 1.0 && real < -low, item);
        }
        return static_cast<T>(real);
    }
    if (PyIndex_Check(o)) { // NumPy integers and the like
        const auto whole = py::reinterpret_steal<py::object>(PyNumber_Index(o));
        if (!whole) throw py::error_already_set();
        return number<T>(whole, row, at);
    }
    if (PyNumber_Check(o)) {
        const auto real = py::reinterpret_steal<py::object>(PyNumber_Float(o));
        if (!real) {
            PyErr_Clear();
            fail_item(row, at, "a number", item);
        }
        return number<T>(real, row, at);
    }
    fail_item(row, at, "a number", item);
}

// Entries [first, first + count) of one sequence.
template <class T>
void copy_sequence(const py::handle& sequence, py::ssize_t row, py::ssize_t first,
                   py::ssize_t count, T* out) {
    if (py::isinstance<py::array>(sequence)) {
        const auto array = py::reinterpret_borrow<py::array>(sequence);
        if (array.ndim() != 1)
            fail("sequences[" + std::to_string(row) + "]", "a sequence of numbers",
                 "an array of shape " + shape_text(array));
        const char kind = array.dtype().kind();
        const bool exact = kind == 'i' || kind == 'u' || kind == 'b' ||
                           (kind == 'f' && std::is_floating_point_v<T>);
        if (exact && (std::is_floating_point_v<T> || array.dtype().itemsize() <= py::ssize_t(sizeof(T))) &&
            !(kind == 'u' && array.dtype().itemsize() == py::ssize_t(sizeof(T)))) {
            const auto converted = py::array_t<T, py::array::c_style | py::array::forcecast>(array);
            std::copy_n(converted.data() + first, count, out);
            return;
        }
    }
    const auto items = py::reinterpret_steal<py::object>(
        PySequence_Fast(sequence.ptr(), "sequences must hold sequences"));
    if (!items) throw py::error_already_set();
    for (py::ssize_t i = 0; i < count; ++i) {
        // Converting an odd object may run its code, which may shorten the list under our feet.
        if (first + i >= PySequence_Fast_GET_SIZE(items.ptr()))
            fail("sequences[" + std::to_string(row) + "]", "left alone while it is read", "changed");
        const auto item = py::reinterpret_borrow<py::object>(
            PySequence_Fast_GET_ITEM(items.ptr(), first + i));
        out[i] = number<T>(item, row, first + i);
    }
}

template <class T>
py::array pad(const py::list& sequences, const std::vector<py::ssize_t>& lengths, py::ssize_t width,
              bool pad_front, bool cut_front, const py::object& value) {
    const auto rows = static_cast<py::ssize_t>(lengths.size());
    py::array_t<T> result({rows, width});
    T* out = result.mutable_data();
    const T filler = number<T>(value, 0, 0);
    for (py::ssize_t row = 0; row < rows; ++row, out += width) {
        const py::ssize_t length = lengths[static_cast<std::size_t>(row)];
        const py::ssize_t count = std::min(length, width), gap = width - count;
        std::fill_n(pad_front ? out : out + count, gap, filler);
        if (count > 0)
            copy_sequence(sequences[static_cast<std::size_t>(row)], row, cut_front ? length - count : 0,
                          count, pad_front ? out + gap : out);
    }
    return result;
}

py::array pad_sequences(const py::list& sequences, const py::object& maxlen, const std::string& dtype,
                        const std::string& padding, const std::string& truncating,
                        const py::object& value) {
    for (const auto& [name, side] : {std::pair("padding", &padding), std::pair("truncating", &truncating)})
        if (*side != "pre" && *side != "post") fail(name, "'pre' or 'post'", "'" + *side + "'");
    std::vector<py::ssize_t> lengths;
    lengths.reserve(sequences.size());
    py::ssize_t longest = 0;
    for (const py::handle& sequence : sequences) {
        const py::ssize_t length = PyObject_Size(sequence.ptr());
        if (length < 0) throw py::error_already_set();
        lengths.push_back(length);
        longest = std::max(longest, length);
    }
    const py::ssize_t width = maxlen.is_none() ? longest : py::cast<py::ssize_t>(maxlen);
    if (width < 0) fail("maxlen", "at least 0", std::to_string(width));
    const bool pad_front = padding == "pre", cut_front = truncating == "pre";
    if (dtype == "int32") return pad<i32>(sequences, lengths, width, pad_front, cut_front, value);
    if (dtype == "int64") return pad<i64>(sequences, lengths, width, pad_front, cut_front, value);
    if (dtype == "float32") return pad<float>(sequences, lengths, width, pad_front, cut_front, value);
    if (dtype == "float64") return pad<double>(sequences, lengths, width, pad_front, cut_front, value);
    fail("dtype", "one of int32, int64, float32, float64", "'" + dtype + "'");
}

} // namespace
} // namespace gw

void bind_padding(pybind11::module_& m) {
    namespace py = pybind11;
    m.def("pad_sequences", &gw::pad_sequences, py::arg("sequences"), py::arg("maxlen"),
          py::arg("dtype"), py::arg("padding"), py::arg("truncating"), py::arg("value"));
}
