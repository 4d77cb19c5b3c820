"""What tests of fuzzing share."""

from collections.abc import Iterator

import pytest
from gatework import _core


@pytest.fixture
def everything_restored() -> Iterator[None]:
    """Gives back the instruction set and the number of threads."""
    before = _core.isa(), _core.num_threads()
    yield
    _core.set_isa(before[0])
    _core.set_num_threads(before[1])
