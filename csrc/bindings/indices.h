// Class labels and embedding ids: whole numbers that must lie in [0, limit).
#pragma once
#include "bindings/arrays.h"

namespace gw {

// "(1, 3)" of a flat position in an array; "3" when it has one axis.
inline std::string position_text(const py::array& array, i64 flat) {
    if (array.ndim() <= 1) return std::to_string(flat);
    std::string text;
    for (py::ssize_t axis = array.ndim(); axis-- > 0;) {
        const i64 size = array.shape(axis);
        text.insert(0, std::to_string(flat % size) + (text.empty() ? "" : ", "));
        flat /= size;
    }
    return "(" + text + ")";
}

template <class T>
void copy_checked(const char* name, const py::array_t<T>& array, i64 limit, std::vector<i64>& out) {
    const T* values = array.data();
    const i64 n = array.size();
    out.resize(static_cast<std::size_t>(n));
    for (i64 i = 0; i < n; ++i) {
        const i64 value = static_cast<i64>(values[i]);
        if (value < 0 || value >= limit)
            fail(name, "in [0, " + std::to_string(limit) + ")",
                 std::to_string(value) + " at position " + position_text(array, i));
        out[static_cast<std::size_t>(i)] = value;
    }
}

// A checked copy: another thread may write to the caller's array while the kernel runs.
inline std::vector<i64> checked_indices(const char* name, const py::handle& object, i64 limit) {
    std::vector<i64> indices;
    if (py::isinstance<py::array_t<i32>>(object))
        copy_checked(name, typed<i32>(name, object), limit, indices);
    else
        copy_checked(name, typed<i64>(name, object), limit, indices);
    return indices;
}

} // namespace gw
