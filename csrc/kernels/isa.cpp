// The table of all kernels. This file and its isa_*.cpp neighbours are compiled once per instruction
// set (GW_ISA names it), each time into its own namespace; three files, because they take minutes.
#include "api/kernels.h"
#include "kernels/ctc.h"
#include "kernels/dense.h"
#include "kernels/depthwise.h"
#include "kernels/dropout.h"
#include "kernels/embedding.h"
#include "kernels/entries.h"
#include "kernels/int8_dense.h"
#include "kernels/loss.h"
#include "kernels/merging.h"
#include "kernels/normalization.h"
#include "kernels/optimizer.h"
#include "kernels/packed_dense.h"
#include "kernels/peak.h"
#include "kernels/pooling.h"
#include "kernels/rotary.h"
#include "kernels/softmax.h"

#define GW_TEXT_(x) #x
#define GW_TEXT(x) GW_TEXT_(x)

namespace gw::GW_ISA {
namespace {

// A constant expression: no code of this ISA may run before the processor was asked.
constexpr Kernels make_table() {
    Kernels k = {};
    k.isa = GW_TEXT(GW_ISA);
    k.vector_floats = kLanes;
    k.gemm = gemm;
    k.dense = dense;
    k.packed_dense_floats = packed_dense_floats;
    k.pack_dense = pack_dense;
    k.packed_dense = packed_dense;
    k.pack_int8 = pack_int8;
    k.free_int8 = free_int8;
    k.int8_dense = int8_dense;
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
    k.add_arrays = add_arrays;
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
