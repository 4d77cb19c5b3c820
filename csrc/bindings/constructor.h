// Constructors of bound classes that survive running out of memory.
#pragma once
#include <pybind11/pybind11.h>

#include <utility>

namespace gw {

// Gives a new Python object what it holds. It takes memory to note it; of an exception then, py::init
// would end the process or free the object twice.
template <class Holder> void hold(pybind11::detail::value_and_holder& instance, Holder object) {
    instance.value_ptr() = object.get();
    try {
        instance.type->init_instance(instance.inst, &object);
    } catch (...) {
        instance.value_ptr() = nullptr;
        throw;
    }
}

// As py::init<Arguments...>().
template <class... Arguments, class T, class... Options, class... Extra>
void def_constructor(pybind11::class_<T, Options...>& bound, const Extra&... extra) {
    namespace py = pybind11;
    using Holder = typename py::class_<T, Options...>::holder_type;
    bound.def(
        "__init__",
        [](py::detail::value_and_holder& instance, Arguments... arguments) {
            hold(instance, Holder(new T(std::forward<Arguments>(arguments)...)));
        },
        py::detail::is_new_style_constructor(), extra...);
}

} // namespace gw
