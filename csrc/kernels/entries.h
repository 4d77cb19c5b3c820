// Kernels that isa.cpp's table holds and its neighbours define.
#pragma once
#include "api/kernels.h"

namespace gw::GW_ISA {

CellShape cell_shape(Cell cell, i64 inputs, i64 units);
void* pack_weights(Cell cell, const Recurrent& r);
void free_weights(void* packed);
void recurrent_forward(Cell cell, const Recurrent& r);
void recurrent_backward(Cell cell, const Recurrent& r, const RecurrentGrad& g);

void attention_forward(const Attention& a);
void attention_backward(const Attention& a, const AttentionGrad& g);

} // namespace gw::GW_ISA
