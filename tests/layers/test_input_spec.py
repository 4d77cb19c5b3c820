"""What an InputSpec lets through."""

from __future__ import annotations

import pytest
from gatework.layers import InputSpec


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 1)])
@pytest.mark.parametrize("spec", [(None, 3), (None, 3, 1)])
def test_last_axis_of_size_one_may_be_left_out(
    shape: tuple[int, ...], spec: tuple[int | None, ...]
) -> None:
    InputSpec(shape=spec, allow_last_axis_squeeze=True).check(shape, "layer")
    if len(shape) != len(spec):
        with pytest.raises(ValueError, match=f"must have {len(spec)} axes, not {len(shape)}"):
            InputSpec(shape=spec).check(shape, "layer")


def test_other_sizes_are_still_refused() -> None:
    spec = InputSpec(shape=(None, 3), allow_last_axis_squeeze=True, name="x")
    assert spec.name == "x"
    with pytest.raises(ValueError, match="must have size 3 along axis 1, not 2"):
        spec.check((4, 2, 1), "layer")
    with pytest.raises(ValueError, match="must have 2 axes, not 3"):
        spec.check((4, 3, 2), "layer")
