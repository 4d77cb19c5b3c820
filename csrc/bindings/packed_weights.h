// The weights of a recurrent cell, checked and packed once for many calls.
#pragma once
#include "bindings/arrays.h"
#include "runtime/dispatch.h"

namespace gw {

// The cell of that name. Raises ValueError.
Cell parse_cell(const std::string& name);

class PackedWeights {
  public:
    PackedWeights(const std::string& cell, const py::object& kernel,
                  const py::object& recurrent_kernel, const py::object& bias);
    ~PackedWeights();
    PackedWeights(const PackedWeights&) = delete;
    PackedWeights& operator=(const PackedWeights&) = delete;

    const Cell cell;
    const Kernels* const isa; // the level that packed them; no other can read them
    i64 inputs, units;
    CellShape shape;
    const void* data() const { return packed_; }

  private:
    void* packed_ = nullptr;
};

} // namespace gw
