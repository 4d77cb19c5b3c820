// Every kernel, compiled once per instruction set (GW_ISA names it) into its own namespace.
#include "api/kernels.h"
#include "kernels/attention_backward.h"
#include "kernels/cells/gru.h"
#include "kernels/cells/gru_layer_norm.h"
#include "kernels/cells/gru_v1.h"
#include "kernels/cells/lstm.h"
#include "kernels/cells/lstm_layer_norm.h"
#include "kernels/cells/lstm_peephole.h"
#include "kernels/cells/simple_rnn.h"
#include "kernels/ctc.h"
#include "kernels/dense.h"
#include "kernels/depthwise.h"
#include "kernels/dropout.h"
#include "kernels/embedding.h"
#include "kernels/loss.h"
#include "kernels/merging.h"
#include "kernels/normalization.h"
#include "kernels/optimizer.h"
#include "kernels/peak.h"
#include "kernels/pooling.h"
#include "kernels/recurrent.h"
#include "kernels/rotary.h"
#include "kernels/softmax.h"

#define GW_TEXT_(x) #x
#define GW_TEXT(x) GW_TEXT_(x)

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

// A constant expression: no code of this ISA may run before the processor was asked.
constexpr Kernels make_table() {
    Kernels k = {};
    k.isa = GW_TEXT(GW_ISA);
    k.vector_floats = kLanes;
    k.gemm = gemm;
    k.dense = dense;
    k.column_sum = column_sum_dense;
    k.cell_shape = cell_shape;
    k.pack_weights = pack_weights;
    k.free_weights = free_weights;
    k.recurrent_forward = recurrent_forward;
    k.recurrent_backward = recurrent_backward;
    k.activation_forward = activation_forward;
    k.activation_backward = activation_backward;
    k.softmax_forward = softmax_forward;
    k.softmax_backward = softmax_backward;
    k.dropout = dropout;
    k.attention_forward = attention_forward;
    k.attention_backward = attention_backward;
    k.rotary = rotary;
    k.binary = binary;
    k.masking = masking;
    k.row_norm_forward = row_norm_forward;
    k.row_norm_backward = row_norm_backward;
    k.column_moments = column_moments;
    k.column_norm_forward = column_norm_forward;
    k.column_norm_backward = column_norm_backward;
    k.max_pool_forward = max_pool_forward;
    k.average_pool_forward = average_pool_forward;
    k.pool_over_time = pool_over_time;
    k.pool_backward = pool_backward;
    k.depthwise_forward = depthwise_forward;
    k.depthwise_backward = depthwise_backward;
    k.embedding_forward = embedding_forward;
    k.embedding_backward = embedding_backward;
    k.softmax_cross_entropy_forward = softmax_cross_entropy_forward;
    k.softmax_cross_entropy_backward = softmax_cross_entropy_backward;
    k.binary_cross_entropy_forward = binary_cross_entropy_forward;
    k.binary_cross_entropy_backward = binary_cross_entropy_backward;
    k.ctc = ctc;
    k.sgd_update = update<Sgd>;
    k.rmsprop_update = update<Rmsprop>;
    k.adam_update = update<Adam>;
    k.adamax_update = update<Adamax>;
    k.nadam_update = update<Nadam>;
    k.adagrad_update = update<Adagrad>;
    k.adadelta_update = update<Adadelta>;
    k.lion_update = update<Lion>;
    k.ftrl_update = update<Ftrl>;
    k.schedule_free_adam_update = update<ScheduleFreeAdam>;
    k.sum_of_squares = sum_of_squares;
    k.peak = peak_kernels();
    return k;
}

} // namespace

extern const Kernels table;
constexpr Kernels table = make_table();

} // namespace gw::GW_ISA
