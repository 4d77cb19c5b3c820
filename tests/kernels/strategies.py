"""Hypothesis strategies for recurrent problems."""

from hypothesis import strategies as st

from tests.kernels.cells import CELLS
from tests.kernels.problems import CONTINUOUS, GATES, MASKS, Problem, random_problem

# Around multiples of the vector widths (4, 8, 16) and of the tile of 64 columns, and prime.
UNITS = (1, 3, 16, 17, 31, 64, 100, 130)

FLAGS = (
    "dropout",
    "recurrent_dropout",
    "bias",
    "initial_state",
    "go_backwards",
    "zero_output_for_mask",
    "return_sequences",
)

# Half of the problems have the usual pair, which has code of its own.
_ACTIVATIONS = st.one_of(
    st.just(("tanh", "sigmoid")), st.tuples(st.sampled_from(CONTINUOUS), st.sampled_from(GATES))
)


def _build(activations: tuple[str, str], flags: dict[str, bool], **arguments: object) -> Problem:
    activation, recurrent_activation = activations
    return random_problem(
        **arguments,  # type: ignore[arg-type]
        **flags,
        activation=activation,
        recurrent_activation=recurrent_activation,
    )


def problems() -> st.SearchStrategy[Problem]:
    """Any cell, shape, mask, activation and flag."""
    return st.builds(
        _build,
        cell=st.sampled_from(sorted(CELLS)),
        seed=st.integers(0, 2**32),
        batch=st.integers(1, 9),
        time=st.integers(1, 12),
        inputs=st.sampled_from((1, 2, 5, 16, 19, 70)),
        units=st.sampled_from(UNITS),
        mask=st.sampled_from(sorted(MASKS)),
        activations=_ACTIVATIONS,
        activation_clip=st.sampled_from((None, None, 0.5)),
        cell_clip=st.sampled_from((None, 0.7)),
        projection=st.booleans(),
        zoneout=st.sampled_from(("none", "none", "drawn", "expected")),
        flags=st.fixed_dictionaries({flag: st.booleans() for flag in FLAGS}),
    )
