// The dispatch table: every operation that exists once per ISA. Whole operations only.
#pragma once
#include "api/attention.h"
#include "api/elementwise.h"
#include "api/embedding.h"
#include "api/gemm.h"
#include "api/int8.h"
#include "api/loss.h"
#include "api/normalization.h"
#include "api/optimizer.h"
#include "api/peak.h"
#include "api/recurrent.h"
#include "api/window.h"

namespace gw {

struct Kernels {
    const char* isa;
    int vector_floats;

    void (*gemm)(const Gemm&);
    void (*dense)(const Dense&);
    i64 (*packed_dense_floats)(i64 inputs, i64 units);
    void (*pack_dense)(const PackDense&);
    void (*packed_dense)(const PackedDense&);
    void* (*pack_int8)(const Int8Matrix&);
    void (*free_int8)(void*);
    void (*int8_dense)(const Int8Dense&);
    void (*column_sum)(const float* x, i64 rows, i64 columns, float* sum);

    CellShape (*cell_shape)(Cell, i64 inputs, i64 units);
    void* (*pack_weights)(Cell, const Recurrent&); // of kernel, recurrent_kernel, bias and their sizes
    void (*free_weights)(void*);
    void (*recurrent_forward)(Cell, const Recurrent&);
    void (*recurrent_backward)(Cell, const Recurrent&, const RecurrentGrad&);

    void (*activation_forward)(Activation, const float* x, float* y, i64 n);
    void (*activation_backward)(Activation, const float* x, const float* dy, float* dx, i64 n);
    void (*softmax_forward)(const float* x, float* y, i64 rows, i64 columns);
    void (*softmax_backward)(const float* y, const float* dy, float* dx, i64 rows, i64 columns);
    void (*dropout)(const Dropout&);
    void (*attention_forward)(const Attention&);
    void (*attention_backward)(const Attention&, const AttentionGrad&); // y and lse given
    void (*rotary)(const Rotary&);
    void (*binary)(const Binary&);
    void (*add_arrays)(const float* a, const float* b, float* y, i64 n);
    void (*masking)(const Masking&);
    void (*row_norm_forward)(const RowNorm&);
    void (*row_norm_backward)(const RowNormGrad&);
    void (*column_moments)(const ColumnMoments&);
    void (*column_norm_forward)(const ColumnNorm&);
    void (*column_norm_backward)(const ColumnNormGrad&);
    void (*max_pool_forward)(const Pool&);
    void (*average_pool_forward)(const Pool&);
    void (*pool_over_time)(const PoolOverTime&);
    void (*pool_backward)(const PoolGrad&);
    void (*depthwise_forward)(const DepthwiseConv&);
    void (*depthwise_backward)(const DepthwiseConvGrad&);
    void (*embedding_forward)(const EmbeddingForward&);
    void (*embedding_backward)(const EmbeddingBackward&);
    void (*softmax_cross_entropy_forward)(const SoftmaxCrossEntropy&);
    void (*softmax_cross_entropy_backward)(const SoftmaxCrossEntropyGrad&);
    void (*binary_cross_entropy_forward)(const float* logits, const float* targets, float* loss,
                                         i64 n);
    void (*binary_cross_entropy_backward)(const float* logits, const float* targets,
                                          const float* dloss, float* dlogits, i64 n);
    void (*ctc)(const Ctc&);
    void (*sgd_update)(const WeightLists&, const Sgd&);
    void (*rmsprop_update)(const WeightLists&, const Rmsprop&);
    void (*adam_update)(const WeightLists&, const Adam&);
    void (*adamax_update)(const WeightLists&, const Adamax&);
    void (*nadam_update)(const WeightLists&, const Nadam&);
    void (*adagrad_update)(const WeightLists&, const Adagrad&);
    void (*adadelta_update)(const WeightLists&, const Adadelta&);
    void (*lion_update)(const WeightLists&, const Lion&);
    void (*ftrl_update)(const WeightLists&, const Ftrl&);
    void (*schedule_free_adam_update)(const WeightLists&, const ScheduleFreeAdam&);
    double (*sum_of_squares)(const ParameterList&);

    PeakKernels peak;
};

} // namespace gw
