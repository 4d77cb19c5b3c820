// The recurrent cells and their one time loop; see isa.cpp.
#include "kernels/cells/gru.h"
#include "kernels/cells/gru_layer_norm.h"
#include "kernels/cells/gru_v1.h"
#include "kernels/cells/lstm.h"
#include "kernels/cells/lstm_layer_norm.h"
#include "kernels/cells/lstm_peephole.h"
#include "kernels/cells/simple_rnn.h"
#include "kernels/entries.h"
#include "kernels/recurrent.h"

namespace gw::GW_ISA {
namespace {

// Calls f with the cell of that id, on the fast activations when they are the default ones.
template <template <class, class> class C, class F>
void with_activations(Activation phi, Activation sigma, float bound, const F& f) {
    constexpr bool gated = C<FastTanh, FastSigmoid>::gates > 1;
    if (phi == Activation::tanh && (sigma == Activation::sigmoid || !gated) && bound == kUnbounded)
        f(C<FastTanh, FastSigmoid>{FastTanh(phi, bound), FastSigmoid(sigma, bound)});
    else
        f(C<AnyActivation, AnyActivation>{{phi, bound}, {sigma, bound}});
}

template <class F>
void with_cell(Cell cell, Activation phi, Activation sigma, float bound, const F& f) {
    switch (cell) {
#define GW_CELL(name, type)                                                                        \
    case Cell::name: return with_activations<type>(phi, sigma, bound, f);
#include "api/cells.def"
#undef GW_CELL
    }
}

} // namespace

CellShape cell_shape(Cell cell, i64 inputs, i64 units) {
    CellShape shape = {};
    with_cell(cell, Activation::tanh, Activation::sigmoid, kUnbounded, [&](auto c) {
        using C = decltype(c);
        const RowLayout<C> rows(inputs, units);
        shape = {C::gates, C::states, C::bias_rows, C::slots,
                 rows.x,   rows.state, rows.gates,  C::second.count() > 0, diagonals_of<C>,
                 gammas_of<C>, betas_of<C>};
    });
    return shape;
}

void* pack_weights(Cell cell, const Recurrent& r) {
    void* packed = nullptr;
    with_cell(cell, Activation::tanh, Activation::sigmoid, kUnbounded, [&](auto c) {
        packed = new ForwardWeights(r, layout_of<decltype(c)>());
    });
    return packed;
}

void free_weights(void* packed) { delete static_cast<ForwardWeights*>(packed); }

void recurrent_forward(Cell cell, const Recurrent& r) {
    with_cell(cell, r.activation, r.recurrent_activation, r.activation_clip, [&](auto c) {
        configure(c, r);
        forward(c, r);
    });
}

void recurrent_backward(Cell cell, const Recurrent& r, const RecurrentGrad& g) {
    with_cell(cell, r.activation, r.recurrent_activation, r.activation_clip, [&](auto c) {
        configure(c, r);
        backward(c, r, g);
    });
}

} // namespace gw::GW_ISA
