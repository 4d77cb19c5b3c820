"""What every test may use: data, the ``isa`` fixture, how many examples hypothesis draws."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Fixtures here only set the instruction set, which does not change between examples.
_CALM = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile("dev", max_examples=30, deadline=None, suppress_health_check=_CALM)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=3)  # emulators
settings.register_profile("long", settings.get_profile("dev"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))

# A shell that starts a command in the background makes it, and all that it starts, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data() -> Path:
    """Data made by others: the folder GATEWORK_TEST_DATA, or the one beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GATEWORK_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}; set GATEWORK_TEST_DATA to its folder")
    return folder


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
