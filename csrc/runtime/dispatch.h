// The kernel table in use. Chosen once at import; GATEWORK_ISA overrides.
#pragma once
#include "api/kernels.h"

#include <string>
#include <vector>

namespace gw {

const Kernels& kernels();

// Names of the levels this binary holds and this machine runs, weakest first.
std::vector<std::string> available_isas();

// Throws std::invalid_argument when the name is not available.
void set_isa(const std::string& name);

} // namespace gw
