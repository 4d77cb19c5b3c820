#include "bindings/arrays.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace gw {
namespace {

// Where a number came from, for the sentence that refuses it.
struct Place {
    py::ssize_t row, at; // row < 0: it is the argument `value`
    std::string text() const {
        if (row < 0) return "value";
        return "sequences[" + std::to_string(row) + "][" + std::to_string(at) + "]";
    }
};

[[noreturn]] void refuse(const Place& place, const std::string& rule, const py::handle& item) {
    fail(place.text(), rule, py::cast<std::string>(py::repr(item)));
}

// OverflowError is what NumPy raises.
template <class T> [[noreturn]] void refuse_range(const Place& place, const py::handle& item) {
    const std::string text = place.text() + " must be in the range of " +
                             py::cast<std::string>(py::str(py::dtype::of<T>())) + ", not " +
                             py::cast<std::string>(py::repr(item));
    PyErr_SetString(PyExc_OverflowError, text.c_str());
    throw py::error_already_set();
}

// Whether the value, cut to a whole number if T is one, is a T.
template <class T> bool fits(long long x) {
    if constexpr (std::is_floating_point_v<T>) return true;
    return x >= static_cast<long long>(std::numeric_limits<T>::min()) &&
           x <= static_cast<long long>(std::numeric_limits<T>::max());
}
template <class T> bool fits(double x) {
    if constexpr (std::is_floating_point_v<T>) return true;
    constexpr double low = static_cast<double>(std::numeric_limits<T>::min()); // a power of two
    return x > low - 1.0 && x < -low;                                         // false for NaN
}

template <class T> T from_double(double x, const Place& place, const py::handle& item) {
    if (!std::is_floating_point_v<T> && !std::isfinite(x))
        refuse(place, "finite for an integer dtype", item);
    if (!fits<T>(x)) refuse_range<T>(place, item);
    return static_cast<T>(x);
}

// Fractions are cut for an integer dtype, as NumPy does.
template <class T> T number(const py::handle& item, const Place& place) {
    PyObject* o = item.ptr();
    if (PyLong_Check(o)) {
        int overflow = 0;
        const long long whole = PyLong_AsLongLongAndOverflow(o, &overflow);
        if (overflow == 0 && fits<T>(whole)) return static_cast<T>(whole);
        if (std::is_integral_v<T>) refuse_range<T>(place, item);
        const double real = PyLong_AsDouble(o);
        if (PyErr_Occurred() != nullptr) throw py::error_already_set();
        return static_cast<T>(real);
    }
    if (PyFloat_Check(o)) return from_double<T>(PyFloat_AS_DOUBLE(o), place, item);
    const bool array = py::isinstance<py::array>(item);
    if (PyIndex_Check(o) && !array) { // NumPy's integers and the like
        const auto whole = py::reinterpret_steal<py::object>(PyNumber_Index(o));
        if (!whole) throw py::error_already_set();
        return number<T>(whole, place);
    }
    if (PyNumber_Check(o) && !(array && py::reinterpret_borrow<py::array>(item).ndim() > 0)) {
        const auto real = py::reinterpret_steal<py::object>(PyNumber_Float(o));
        if (real) return number<T>(real, place);
        PyErr_Clear();
    }
    refuse(place, "a number", item);
}

// Whether an int has at most one digit (of 30 bits); no call, unlike CPython's conversions.
inline bool is_small(PyObject* o, long long& value) {
#if PY_VERSION_HEX >= 0x030C0000
    const auto* whole = reinterpret_cast<PyLongObject*>(o);
    if (!PyUnstable_Long_IsCompact(whole)) return false;
    value = PyUnstable_Long_CompactValue(whole);
#else
    const Py_ssize_t size = Py_SIZE(o); // the number of digits, with the sign
    if (size < -1 || size > 1) return false;
    value = size == 0 ? 0 : size * static_cast<long long>(reinterpret_cast<PyLongObject*>(o)->ob_digit[0]);
#endif
    return true;
}

// A number most lists hold: an exact int that is a T. Nothing here runs code of the caller.
template <class T> bool plain_number(PyObject* o, T& out) {
    if (!PyLong_CheckExact(o)) return false;
    long long whole = 0;
    int overflow = 0;
    if (!is_small(o, whole)) whole = PyLong_AsLongLongAndOverflow(o, &overflow);
    out = static_cast<T>(whole);
    return overflow == 0 && fits<T>(whole);
}

// A part of one sequence: entries [first, first + count).
struct Part {
    py::handle sequence;
    py::ssize_t row, first, count;
};

// Converting an odd object runs code of the caller, which may shorten what is being read.
[[noreturn]] void refuse_change(const Part& part) {
    fail("sequences[" + std::to_string(part.row) + "]", "left alone while it is read", "changed");
}

template <class T> void copy_objects(const Part& part, T* out) {
    const auto items = py::reinterpret_steal<py::object>(
        PySequence_Fast(part.sequence.ptr(), "sequences must hold sequences"));
    if (!items) throw py::error_already_set();
    for (py::ssize_t i = 0; i < part.count; ++i) {
        if (part.first + i >= PySequence_Fast_GET_SIZE(items.ptr())) refuse_change(part);
        PyObject* item = PySequence_Fast_GET_ITEM(items.ptr(), part.first + i);
        if (plain_number(item, out[i])) continue;
        const auto kept_alive = py::reinterpret_borrow<py::object>(item);
        out[i] = number<T>(kept_alive, {part.row, part.first + i});
    }
}

// False when the array holds no Source.
template <class Source, class T> bool copy_array(const py::array& array, const Part& part, T* out) {
    using Wide = std::conditional_t<std::is_integral_v<Source>, long long, double>;
    constexpr int aligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    if (!holds<Source>(array) || (array.flags() & aligned) == 0) return false;
    const py::ssize_t stride = array.strides(0);
    const char* in = static_cast<const char*>(array.data()) + part.first * stride;
    for (py::ssize_t i = 0; i < part.count; ++i, in += stride) {
        const Wide x = static_cast<Wide>(*reinterpret_cast<const Source*>(in));
        if (!fits<T>(x)) { // worded where every number is
            const py::object item = py::cast(x);
            number<T>(item, {part.row, part.first + i});
        }
        out[i] = static_cast<T>(x);
    }
    return true;
}

template <class T> void copy_sequence(const Part& part, T* out) {
    if (py::isinstance<py::array>(part.sequence)) {
        const auto array = py::reinterpret_borrow<py::array>(part.sequence);
        if (array.ndim() != 1)
            fail("sequences[" + std::to_string(part.row) + "]", "a sequence of numbers",
                 "an array of shape " + shape_text(array));
        if (array.shape(0) < part.first + part.count) refuse_change(part);
        if (copy_array<i32>(array, part, out) || copy_array<i64>(array, part, out) ||
            copy_array<float>(array, part, out) || copy_array<double>(array, part, out))
            return;
    }
    copy_objects(part, out);
}

template <class T>
py::array pad(const py::list& sequences, const std::vector<py::ssize_t>& lengths, py::ssize_t width,
              bool pad_front, bool cut_front, const py::object& value) {
    const auto rows = static_cast<py::ssize_t>(lengths.size());
    py::array_t<T> result({rows, width});
    T* out = result.mutable_data();
    const T filler = number<T>(value, {-1, 0});
    for (py::ssize_t row = 0; row < rows; ++row, out += width) {
        const py::ssize_t length = lengths[static_cast<std::size_t>(row)];
        const py::ssize_t count = std::min(length, width), gap = width - count;
        std::fill_n(pad_front ? out : out + count, gap, filler);
        if (count == 0) continue;
        const py::object sequence = sequences[static_cast<std::size_t>(row)];
        copy_sequence<T>({sequence, row, cut_front ? length - count : 0, count},
                         pad_front ? out + gap : out);
    }
    return result;
}

py::ssize_t checked_maxlen(const py::object& maxlen, py::ssize_t longest) {
    if (maxlen.is_none()) return longest;
    if (!PyIndex_Check(maxlen.ptr()) || PyBool_Check(maxlen.ptr()))
        fail("maxlen", "an integer of at least 0, or None", py::cast<std::string>(py::repr(maxlen)));
    const py::ssize_t width = PyNumber_AsSsize_t(maxlen.ptr(), PyExc_OverflowError);
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    if (width < 0) fail("maxlen", "an integer of at least 0, or None", std::to_string(width));
    return width;
}

py::array pad_sequences(const py::list& sequences, const py::object& maxlen, const std::string& dtype,
                        const std::string& padding, const std::string& truncating,
                        const py::object& value) {
    for (const auto& [name, side] : {std::pair("padding", &padding), std::pair("truncating", &truncating)})
        if (*side != "pre" && *side != "post") fail(name, "'pre' or 'post'", "'" + *side + "'");
    std::vector<py::ssize_t> lengths;
    lengths.reserve(sequences.size());
    py::ssize_t longest = 0;
    for (const py::handle sequence : sequences) {
        const py::ssize_t length = PyObject_Size(sequence.ptr());
        if (length < 0) throw py::error_already_set();
        lengths.push_back(length);
        longest = std::max(longest, length);
    }
    const py::ssize_t width = checked_maxlen(maxlen, longest);
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
