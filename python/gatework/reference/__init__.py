"""Every kernel in plain NumPy, for any float dtype: what the compiled ones are held against.

Names and arguments are those of the compiled functions where both exist. Nothing here is fast;
everything is meant to be read beside the paper it names.
"""

from .activations import ACTIVATIONS, Activation, activation_backward, activation_forward
from .attention import attention_backward, attention_dropout_mask, attention_forward
from .bfloat16 import round_bfloat16
from .binary_cross_entropy import binary_cross_entropy_backward, binary_cross_entropy_forward
from .cell import Cell
from .ctc import ctc
from .dense import column_sum, dense_backward, dense_forward, gemm
from .dropout import dropout, dropout_mask, philox4x32, random_words, spatial_dropout
from .embedding import embedding_backward, embedding_forward
from .int8 import int8_product, quantize_columns, quantize_rows
from .normalization import (
    column_moments,
    column_norm_backward,
    column_norm_forward,
    row_norm_backward,
    row_norm_forward,
)
from .optimizers import (
    adadelta_update,
    adagrad_update,
    adam_update,
    adamax_update,
    ftrl_update,
    global_norm,
    lion_update,
    nadam_update,
    rmsprop_update,
    schedule_free_adam_update,
    sgd_update,
)
from .padding import pad_sequences
from .recurrent import CELLS, recurrent, recurrent_backward
from .rotary import rotary, rotary_angles
from .softmax_cross_entropy import (
    log_sum_exp,
    softmax_backward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    softmax_forward,
)
from .window import (
    average_pool_forward,
    depthwise_backward,
    depthwise_forward,
    max_pool_forward,
    pool_backward,
)
from .zoneout import zoneout_masks

__all__ = [
    "attention_backward",
    "attention_dropout_mask",
    "attention_forward",
    "average_pool_forward",
    "column_moments",
    "column_norm_backward",
    "column_norm_forward",
    "depthwise_backward",
    "depthwise_forward",
    "max_pool_forward",
    "pool_backward",
    "row_norm_backward",
    "row_norm_forward",
    "ACTIVATIONS",
    "Activation",
    "CELLS",
    "Cell",
    "activation_backward",
    "activation_forward",
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "adamax_update",
    "binary_cross_entropy_backward",
    "binary_cross_entropy_forward",
    "column_sum",
    "ctc",
    "dense_backward",
    "dense_forward",
    "dropout",
    "dropout_mask",
    "embedding_backward",
    "embedding_forward",
    "ftrl_update",
    "gemm",
    "global_norm",
    "int8_product",
    "lion_update",
    "log_sum_exp",
    "nadam_update",
    "pad_sequences",
    "quantize_columns",
    "quantize_rows",
    "philox4x32",
    "random_words",
    "round_bfloat16",
    "recurrent",
    "recurrent_backward",
    "rmsprop_update",
    "schedule_free_adam_update",
    "rotary",
    "rotary_angles",
    "sgd_update",
    "softmax_backward",
    "softmax_cross_entropy_backward",
    "softmax_cross_entropy_forward",
    "softmax_forward",
    "spatial_dropout",
    "zoneout_masks",
]
