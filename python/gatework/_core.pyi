"""The compiled kernels.

Arrays are C-contiguous and of the dtype given; anything else raises TypeError (dtype, not an array)
or ValueError (shape, strides). What computes releases the GIL and ends early, with
KeyboardInterrupt, on Ctrl-C. Letters: B batch, T time steps, I inputs, H units, G gates, V classes
or rows of a table, N rows, D columns.
"""

from collections.abc import Sequence
from typing import Any, TypedDict, final

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float32]
_Indices = npt.NDArray[np.int32] | npt.NDArray[np.int64]
_Parameters = list[_Floats] | tuple[_Floats, ...]
_States = Sequence[_Floats | None]

class _BuildConfig(TypedDict):
    version: str
    compiler: str
    build_type: str
    sanitize: str
    openmp: bool
    openmp_version: int | None
    isa_levels: tuple[str, ...]

class _CpuFeatures(TypedDict):
    sse42: bool
    avx2_fma: bool
    avx512: bool
    avx512_vnni: bool
    avx512_bf16: bool
    amx: bool

# --- the machine ---

def isa() -> str:
    """The instruction set in use."""

def isa_available() -> list[str]:
    """The instruction sets built in that this processor has, slowest first."""

def set_isa(name: str) -> None:
    """Uses another instruction set; ValueError when the processor lacks it."""

def vector_floats() -> int:
    """Floats in a vector register of the instruction set in use."""

def num_threads() -> int: ...
def set_num_threads(n: int) -> None:
    """Threads of the kernels called from now on; ValueError outside of [1, 4096]."""

def build_config() -> _BuildConfig: ...
def cpu_features() -> _CpuFeatures: ...
def blocks_asked_for() -> int:
    """Blocks of working memory that kernels took so far from what all threads share."""

def release_memory() -> None:
    """Gives the blocks kept for reuse back to the system."""

def peak(what: str, seconds: float, samples: int, size: int = 0) -> list[float] | None:
    """Measures what the processor does at most on ``num_threads()`` threads at once.

    ``what`` is fma_f32, dot_bf16, dot_int8 (operations), read (bytes, of a buffer of ``size`` bytes
    for each thread), region or barrier (how many). Returns the rate per second of all threads
    together for every sample of about ``seconds``, at most 1; None where the instruction set lacks
    the operation, and for the barrier of one thread.
    """

# --- products ---

def gemm(
    a: _Floats,
    b: _Floats,
    trans_a: bool = False,
    trans_b: bool = False,
    bias: _Floats | None = None,
    out: _Floats | None = None,
    accumulate: bool = False,
    bf16: bool = False,
) -> _Floats:
    """``op(a) @ op(b) + bias`` of two matrices; ``accumulate`` adds to ``out`` instead.

    With ``bf16``, here and below, the operands are rounded to bfloat16; the sums are float32.

    The matrices may be views: ``b`` of any strides, ``a`` with rows or columns that lie in one
    piece, ``out`` with rows that do.
    """

def dense_forward(
    x: _Floats,
    kernel: _Floats,
    bias: _Floats | None,
    activation: str,
    keep_pre: bool,
    bf16: bool = False,
) -> tuple[_Floats, _Floats | None]:
    """``activation(x @ kernel + bias)`` of x (N, I), and its argument when ``keep_pre``."""

def column_sum(x: _Floats) -> _Floats:
    """Sum of a matrix over its rows."""

# --- elementwise ---

ACTIVATIONS: tuple[str, ...]

def activation_forward(activation: str, x: _Floats) -> _Floats: ...
def activation_backward(activation: str, x: _Floats, dy: _Floats) -> _Floats: ...
def add(a: _Floats, b: _Floats) -> _Floats:
    """a + b of one shape; subnormal sums may be zero."""

def softmax_forward(x: _Floats) -> _Floats:
    """Softmax of every row of a matrix."""

def softmax_backward(y: _Floats, dy: _Floats) -> _Floats:
    """Gradient of ``softmax_forward`` from its result ``y``."""

def dropout(x: _Floats, rate: float, seed: int) -> _Floats:
    """Zeroes a share ``rate`` and scales the rest; the same call on dy is the gradient."""

def spatial_dropout(x: _Floats, rate: float, seed: int) -> _Floats:
    """Dropout of whole columns: one draw for each (batch, feature) of x (B, T, D)."""

def dropout_mask(shape: Sequence[int], rate: float, seed: int) -> _Floats:
    """The factors ``dropout`` multiplies with: 0 or 1 / (1 - rate)."""

# --- attention ---

def attention_forward(
    q: _Floats,
    k: _Floats,
    v: _Floats,
    bias: _Floats | None,
    mask: npt.NDArray[np.bool_] | None,
    slopes: _Floats | None,
    offset: npt.NDArray[np.int64],
    scale: float,
    causal: bool = False,
    window: int | None = None,
    soft_cap: float | None = None,
    rate: float = 0.0,
    seed: int = 0,
    bf16: bool = False,
) -> tuple[_Floats, _Floats]:
    """y (B, T, N, E) and the log-sum-exp (B, N, T) of softmax(scale q kᵀ + ...) v.

    q (B, T, N, D), k (B, S, K, D), v (B, S, K, E) of any strides but the last; bias and mask
    (B, N, T, S), their steps zero where they repeat; slopes (N,); offset (B,). With ``bf16``
    operands of products may be rounded to bfloat16: they are where the processor is quicker so.
    """

def attention_backward(
    q: _Floats,
    k: _Floats,
    v: _Floats,
    bias: _Floats | None,
    mask: npt.NDArray[np.bool_] | None,
    slopes: _Floats | None,
    offset: npt.NDArray[np.int64],
    scale: float,
    y: _Floats,
    lse: _Floats,
    dy: _Floats,
    causal: bool = False,
    window: int | None = None,
    soft_cap: float | None = None,
    rate: float = 0.0,
    seed: int = 0,
    need_logits: bool = False,
    bf16: bool = False,
) -> tuple[_Floats, _Floats, _Floats, _Floats | None]:
    """Gradients of q, k, v, and, if asked for, of the biased logits (B, N, T, S)."""

def rotary(x: _Floats, cosine: _Floats, sine: _Floats, inverse: bool = False) -> _Floats:
    """Pairs (i, i + D/2) of x (B, T, N, D) turned by angles (B or 1, T, D/2), or back."""

# --- normalization ---

def row_norm_forward(
    x: _Floats, gamma: _Floats | None, beta: _Floats | None, epsilon: float, centered: bool
) -> tuple[_Floats, _Floats | None, _Floats]:
    """Rows of x (N, D) over their deviation, from their mean when ``centered`` else from zero.

    gamma and beta (D,). Returns y (N, D), the means (N,) or None, and 1 / the deviations (N,).
    """

def row_norm_backward(
    x: _Floats,
    gamma: _Floats | None,
    mean: _Floats | None,
    rstd: _Floats,
    dy: _Floats,
    need_dx: bool,
    need_weights: bool,
) -> tuple[_Floats | None, _Floats | None, _Floats | None]:
    """Gradients of x, gamma and beta, None where not needed."""

def column_moments(
    x: _Floats, mask: npt.NDArray[np.bool_] | None, divisor: float
) -> tuple[_Floats, _Floats]:
    """Mean and variance (D,) over the rows of x (N, D) that mask (N,) keeps."""

def column_norm_forward(x: _Floats, mean: _Floats, factor: _Floats, shift: _Floats) -> _Floats:
    """``(x - mean) * factor + shift``, each (D,)."""

def column_norm_backward(
    x: _Floats,
    mean: _Floats,
    rstd: _Floats,
    gamma: _Floats | None,
    mask: npt.NDArray[np.bool_] | None,
    divisor: float,
    dy: _Floats,
    need_dx: bool,
) -> tuple[_Floats | None, _Floats, _Floats]:
    """Gradients of x, gamma and beta for ``(x - mean) * rstd * gamma + beta``.

    With a divisor the statistics are those of ``column_moments`` and depend on x; with 0 they are
    constants.
    """

# --- windows over time: begins and ends (W,) of int64 ---

_Steps = npt.NDArray[np.int64]

def max_pool_forward(
    x: _Floats, begins: _Steps, ends: _Steps, keep: bool
) -> tuple[_Floats, npt.NDArray[np.int32] | None]:
    """The largest value (B, W, D) of x (B, T, D) in each window, and its step when ``keep``."""

def average_pool_forward(x: _Floats, begins: _Steps, ends: _Steps) -> _Floats: ...
def pool_backward(
    begins: _Steps,
    ends: _Steps,
    winner: npt.NDArray[np.int32] | None,
    dy: _Floats,
    time: int,
) -> _Floats:
    """Gradient of x (B, time, D): of the maximum with its steps, else of the mean."""

def depthwise_forward(
    x: _Floats, w: _Floats, outputs: int, stride: int, dilation: int, left: int
) -> _Floats:
    """Each channel of x (B, T, D) convolved with its own column of w (taps, D).

    The window of output t begins at step ``t * stride - left``; x is zero outside.
    """

def depthwise_backward(
    x: _Floats,
    w: _Floats,
    stride: int,
    dilation: int,
    left: int,
    dy: _Floats,
    need_dx: bool,
    need_dw: bool,
) -> tuple[_Floats | None, _Floats | None]:
    """Gradients of x and w, None where not needed."""

# --- tables and losses ---

def embedding_forward(table: _Floats, ids: _Indices) -> _Floats:
    """Rows of table (V, D), of shape ``ids.shape + (D,)``; ValueError names an id out of range."""

def embedding_backward(ids: _Indices, dy: _Floats, rows: int) -> _Floats:
    """Gradient (rows, D) of the table."""

def softmax_cross_entropy_forward(logits: _Floats, labels: _Indices) -> tuple[_Floats, _Floats]:
    """Loss (N,) and log-sum-exp (N,) of logits (N, V) for labels (N,)."""

def softmax_cross_entropy_backward(
    logits: _Floats, labels: _Indices, lse: _Floats, dloss: _Floats
) -> _Floats: ...
def binary_cross_entropy_forward(logits: _Floats, targets: _Floats) -> _Floats:
    """Elementwise loss of logits for targets in [0, 1], both of one shape."""

def binary_cross_entropy_backward(logits: _Floats, targets: _Floats, dloss: _Floats) -> _Floats: ...
def ctc(
    logits: _Floats,
    labels: npt.NDArray[np.int64],
    label_counts: npt.NDArray[np.int64],
    frames: npt.NDArray[np.int64],
    blank: int,
    need_gradient: bool,
) -> tuple[_Floats, _Floats | None]:
    """Loss (B,) of logits (B, T, V) for labels (B, L), and its gradient for the logits.

    Of row b the first ``label_counts[b]`` labels and ``frames[b]`` steps count.
    """

# --- optimizers: lists of arrays of equal shapes, updated in place. Gradients are scaled first,
# then weights shrink by lr * weight_decay, then comes the rule. ``step`` counts from 1. ---

def sgd_update(
    params: _Parameters,
    grads: _Parameters,
    velocities: _Parameters | None,
    lr: float,
    momentum: float,
    nesterov: bool,
    scale: float,
    weight_decay: float = 0.0,
) -> None: ...
def rmsprop_update(
    params: _Parameters,
    grads: _Parameters,
    v: _Parameters,
    momentums: _Parameters | None,
    averages: _Parameters | None,
    lr: float,
    rho: float,
    momentum: float,
    epsilon: float,
    scale: float,
    weight_decay: float = 0.0,
) -> None: ...
def adam_update(
    params: _Parameters,
    grads: _Parameters,
    m: _Parameters,
    v: _Parameters,
    v_hat: _Parameters | None,
    lr: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    weight_decay: float,
    scale: float,
) -> None:
    """One step; ``step`` counts from 1, ``weight_decay`` is decoupled from the gradient."""

def adamax_update(
    params: _Parameters,
    grads: _Parameters,
    m: _Parameters,
    norm: _Parameters,
    lr: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    scale: float,
    weight_decay: float = 0.0,
) -> None: ...
def nadam_update(
    params: _Parameters,
    grads: _Parameters,
    m: _Parameters,
    v: _Parameters,
    lr: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    product: float,
    scale: float,
    weight_decay: float = 0.0,
) -> None: ...
def adagrad_update(
    params: _Parameters,
    grads: _Parameters,
    sums: _Parameters,
    lr: float,
    epsilon: float,
    scale: float,
    weight_decay: float = 0.0,
) -> None: ...
def adadelta_update(
    params: _Parameters,
    grads: _Parameters,
    squares: _Parameters,
    steps: _Parameters,
    lr: float,
    rho: float,
    epsilon: float,
    scale: float,
    weight_decay: float = 0.0,
) -> None: ...
def lion_update(
    params: _Parameters,
    grads: _Parameters,
    m: _Parameters,
    lr: float,
    beta_1: float,
    beta_2: float,
    scale: float,
    weight_decay: float = 0.0,
) -> None: ...
def ftrl_update(
    params: _Parameters,
    grads: _Parameters,
    sums: _Parameters,
    linears: _Parameters,
    lr: float,
    power: float,
    l1: float,
    l2: float,
    shrinkage: float,
    beta: float,
    scale: float,
    weight_decay: float = 0.0,
) -> None: ...
def schedule_free_adam_update(
    params: _Parameters,
    grads: _Parameters,
    z: _Parameters,
    v: _Parameters,
    lr: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    scale: float,
    weight_decay: float = 0.0,
) -> None: ...
def global_norm(arrays: _Parameters) -> float:
    """Euclidean norm of all arrays together."""

# --- sequences ---

def pad_sequences(
    sequences: list[Any],
    maxlen: int | None,
    dtype: str,
    padding: str,
    truncating: str,
    value: float,
) -> npt.NDArray[Any]: ...

CELLS: tuple[str, ...]

@final
class PackedWeights:
    """The weights of a cell in the order in which the kernels of one instruction set read them."""

    def __init__(
        self,
        cell: str,
        kernel: _Floats,
        recurrent_kernel: _Floats,
        bias: _Floats | None,
        peepholes: _Floats | None = None,
        projection: _Floats | None = None,
        bf16: bool = False,
        gamma: _Floats | None = None,
        beta: _Floats | None = None,
        kernel_scale: _Floats | None = None,
        recurrent_scale: _Floats | None = None,
    ) -> None:
        """With scales, kernel and recurrent_kernel are int8 in [-127, 127], forward only.

        Column j of a kernel is its scale[j] times such numbers.
        """

    @property
    def isa(self) -> str: ...

@final
class RecurrentStream:
    """One step of a cell at a time; the states, zeros at first, stay inside."""

    def __init__(
        self,
        weights: PackedWeights,
        batch: int,
        activation: str,
        recurrent_activation: str,
        activation_clip: float | None = None,
        cell_clip: float | None = None,
        zoneout: Sequence[float] | None = None,
        epsilon: float | None = None,
    ) -> None: ...
    def step(self, x: _Floats) -> _Floats:
        """x (B, I) -> new output (B, H)."""

    def step_into(self, x: _Floats, out: _Floats) -> None:
        """The same, written to ``out`` (B, H)."""

    def reset(self) -> None: ...
    @property
    def states(self) -> tuple[_Floats, ...]: ...
    @states.setter
    def states(self, states: _States) -> None: ...

@final
class Program:
    """A flat list of instructions over values, of which each is "floats", "ids" or "mask".

    Instructions are (operation, layer, inputs, outputs, arguments). What does not fit together is
    refused, here or by the first call. Any number of threads may run a program at the same time.
    """

    def __init__(
        self,
        kinds: list[str],
        constants: list[tuple[int, _Floats]],
        instructions: list[tuple[str, str, tuple[int, ...], tuple[int, ...], dict[str, Any]]],
        inputs: list[int],
        outputs: list[int],
        input_time: list[bool],
        output_time: list[bool],
    ) -> None: ...
    def run(self, inputs: tuple[npt.NDArray[Any], ...]) -> list[_Floats]:
        """The outputs for float32 or int32 and int64 inputs."""

    def reserve(self, shapes: list[list[int]]) -> int:
        """Makes the memory for inputs of those shapes; returns how many bytes that is."""

    def trim(self, bytes: int) -> None:
        """Gives back memory kept for calls that take more bytes than that."""

    @property
    def isa(self) -> str: ...

@final
class ProgramSession:
    """A stream of so many rows through a program; the states, zeros at first, stay inside."""

    def __init__(self, program: Program, batch: int, most: int = 0) -> None:
        """``most``: steps that attention has room for at once and at most; 0 for any number."""

    def run(self, x: Any, out: Any, step: bool) -> Any:
        """Outputs for an array, or a tuple of one for each input; as a list if there are several.

        With ``step`` the arrays have no axis of time. ``out`` is None, or the arrays to write to.
        """

    def states(self) -> list[tuple[str, str, _Floats]]:
        """The layer, the state's name and a copy of its values, for each state."""

    def set_states(self, states: list[_Floats]) -> None: ...
    def reset(self, rows: list[int]) -> None: ...
    def select(self, rows: list[int]) -> None:
        """Goes on with these rows, in that order; one may come several times."""

    @property
    def batch(self) -> int: ...

@final
class RecurrentPass:
    """What a forward pass keeps for its backward pass, which may be run once."""

    @property
    def consumed(self) -> bool: ...

def recurrent_forward(
    cell: str,
    x: _Floats,
    kernel: _Floats,
    recurrent_kernel: _Floats,
    bias: _Floats | None,
    initial_states: _States | None,
    mask: npt.NDArray[np.bool_] | None,
    dropout_mask: _Floats | None,
    recurrent_dropout_mask: _Floats | None,
    activation: str,
    recurrent_activation: str,
    go_backwards: bool,
    zero_output_for_mask: bool,
    return_sequences: bool,
    keep: bool,
    packed: PackedWeights | None = None,
    peepholes: _Floats | None = None,
    activation_clip: float | None = None,
    cell_clip: float | None = None,
    projection: _Floats | None = None,
    zoneout: Sequence[float] | None = None,
    zoneout_seed: int | None = None,
    bf16: bool = False,
    gamma: _Floats | None = None,
    beta: _Floats | None = None,
    epsilon: float | None = None,
) -> tuple[_Floats, tuple[_Floats, ...], RecurrentPass | None]:
    """Runs a cell over x (B, T, I).

    kernel (I, G*H), recurrent_kernel (H, G*H), bias (G*H,) or (2, G*H), states (B, H), mask (B, T),
    dropout masks (B, I) and (B, H), peepholes (3, H) for the cell that has them. Returns the
    outputs, (B, T, H) or (B, H), the final states, and what ``recurrent_backward`` needs, None
    unless ``keep``. ``packed`` are these same weights, packed before at the present instruction
    set. With a projection (H, P) of an LSTM the outputs, h and its dropout mask have P features.
    ``zoneout`` is the share of each state's units that keep their value at a step, drawn with
    ``zoneout_seed``; without it states are what is to be expected. Cells with layer normalization
    take gains, gamma (9, H) and beta (H,) for the LSTM, gamma (6, H) for the GRU, and the epsilon
    of their variances, 1e-3 by default.
    """

def recurrent_backward(
    saved: RecurrentPass,
    dy: _Floats | None,
    dstates: _States | None,
    need_dx: bool,
) -> tuple[
    _Floats | None,
    _Floats,
    _Floats,
    _Floats | None,
    tuple[_Floats, ...],
    _Floats | None,
    _Floats | None,
    _Floats | None,
    _Floats | None,
]:
    """Gradients of x, kernel, recurrent_kernel, bias, initial states, peepholes, projection, gamma,
    beta.

    RuntimeError when ``saved`` was consumed already.
    """
