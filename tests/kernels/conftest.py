"""What tests of the kernels share."""

from collections.abc import Iterator

import pytest
from gatework import _core


@pytest.fixture
def threads_restored() -> Iterator[None]:
    """Gives back the number of threads a test changed."""
    before = _core.num_threads()
    yield
    _core.set_num_threads(before)
