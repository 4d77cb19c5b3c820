// The weights of a recurrent cell, checked and packed once for many calls.
#pragma once
#include "bindings/arrays.h"
#include "runtime/dispatch.h"

#include <pybind11/stl.h>

namespace gw {

// The cell of that name. Raises ValueError.
Cell parse_cell(const std::string& name);

// The sizes that the recurrent kernel and the projection of h, if there is one, give a cell.
struct CellSizes {
    i64 units, outputs;
    std::optional<FloatArray> projection;
};

// `rows` are those of the recurrent kernel. Raises ValueError.
CellSizes cell_sizes(Cell cell, i64 rows, const py::object& projection);
CellSizes cell_sizes(Cell cell, const py::object& recurrent_kernel, const py::object& projection);

// Whole numbers in [-127, 127] and the scales of their columns, as a kernel reads them; the arrays are
// added to the owners. Raises ValueError, TypeError.
Int8Matrix int8_matrix(const char* name, const py::object& numbers, const py::object& scale,
                       std::vector<py::object>& owners);
ByteArray checked_numbers(const char* name, const py::object& numbers);
// One for each column, or each row, of them; finite and not negative.
FloatArray checked_scale(const char* name, const py::object& scale, i64 count);

// A bound of numbers from Python: None is none. Raises ValueError naming the argument.
float parse_bound(const char* argument, const std::optional<float>& bound);

// Of the variances of layer normalization, where none is given.
constexpr float kEpsilon = 1e-3f;

// Zoneout of so many states: a share for each, None for none; a seed to draw from, None for what is to be
// expected. Raises ValueError.
Zoneout parse_zoneout(const std::optional<std::vector<double>>& shares, const std::optional<u64>& seed,
                      i64 states);

// The diagonal weights given to a cell, if any. Raises ValueError.
std::optional<FloatArray> diagonal_weights(const CellShape& shape, i64 units, const py::object& given);

// Gains and bias of layer normalization given to a cell that has it. Raises ValueError, TypeError.
struct NormWeights {
    std::optional<FloatArray> gamma, beta;
};
NormWeights norm_weights(const CellShape& shape, i64 units, const py::object& gamma,
                         const py::object& beta);

class PackedWeights {
  public:
    PackedWeights(const std::string& cell, const py::object& kernel,
                  const py::object& recurrent_kernel, const py::object& bias,
                  const py::object& peepholes, const py::object& projection, bool bf16,
                  const py::object& gamma, const py::object& beta,
                  const py::object& kernel_scale, const py::object& recurrent_scale);
    ~PackedWeights();
    PackedWeights(const PackedWeights&) = delete;
    PackedWeights& operator=(const PackedWeights&) = delete;

    const Cell cell;
    const Kernels* const isa; // the level that packed them; no other can read them
    i64 inputs, units, outputs;
    CellShape shape;
    const bool bf16; // rounded to bfloat16
    const bool int8; // whole numbers and the scales of their columns
    const void* data() const { return packed_; }

  private:
    void* packed_ = nullptr;
};

} // namespace gw
