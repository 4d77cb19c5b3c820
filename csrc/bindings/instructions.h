// Instructions of a program as Python describes them.
#pragma once
#include "bindings/arrays.h"
#include "inference/instruction.h"
#include "runtime/dispatch.h"

namespace gw {

// The instruction (operation, name, inputs, outputs, arguments), checked; arrays that it reads are added to
// `owners`, which must outlive it. Raises ValueError and TypeError.
std::unique_ptr<Instruction> parse_instruction(const py::tuple& description, const Kernels& kernels,
                                               std::vector<py::object>& owners);

} // namespace gw
