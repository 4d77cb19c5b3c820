"""What every test may use: the ``isa`` fixture, and how many examples hypothesis draws."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Fixtures here only set the instruction set, which does not change between examples.
_CALM = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile("dev", max_examples=30, deadline=None, suppress_health_check=_CALM)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=3)  # emulators
settings.register_profile("long", settings.get_profile("dev"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test that asks for ``isa`` once for every instruction set of the machine."""
    if "isa" in metafunc.fixturenames:
        from gatework import _core  # tests of pure Python run without the extension

        metafunc.parametrize("isa", _core.isa_available(), indirect=True)


@pytest.fixture
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test on one instruction set, then goes back to the one before."""
    from gatework import _core

    before = _core.isa()
    _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)
