"""Instruction sets, threads, and the state of the processor after a kernel ran."""

import ctypes
import platform
import sys
import threading
from typing import Any

import numpy as np
import pytest
from gatework import _core

from tests.kernels.problems import random_problem, solve_by_kernel

LEVELS = ("baseline", "avx2", "avx512", "avx512_bf16", "avx512_amx")


def test_levels_are_listed_from_the_lowest() -> None:
    available = list(_core.isa_available())
    assert available == [level for level in LEVELS if level in available]
    assert available[0] == "baseline"
    assert _core.isa() in available


def test_set_isa(isa: str) -> None:
    assert _core.isa() == isa


def test_unknown_isa_is_refused_and_nothing_changes() -> None:
    before = _core.isa()
    with pytest.raises(ValueError, match=r"^\S+ must be one of .*baseline.*, not '?mmx'?"):
        _core.set_isa("mmx")
    assert _core.isa() == before


@pytest.mark.usefixtures("threads_restored")
def test_number_of_threads() -> None:
    for n in (1, 2, 5):
        _core.set_num_threads(n)
        assert _core.num_threads() == n
    for n in (0, -1, 100_000):
        with pytest.raises(ValueError, match=rf"^n must be between 1 and 4096, not {n}$"):
            _core.set_num_threads(n)
    assert _core.num_threads() == 5


def test_instruction_sets_differ_by_rounding_only() -> None:
    problem = random_problem("lstm", np.random.default_rng(0), 5, 7, 9, 33, mask="holes")
    before = _core.isa()
    outputs = []
    for level in _core.isa_available():
        _core.set_isa(level)
        outputs.append(solve_by_kernel(problem).y)
    _core.set_isa(before)
    for y in outputs[1:]:
        np.testing.assert_allclose(y, outputs[0], atol=1e-6)


def test_a_pass_goes_back_on_the_level_it_came_by() -> None:
    """Saved buffers are laid out for one vector width."""
    from tests.kernels.problems import forward_arguments

    problem = random_problem("gru", np.random.default_rng(1), 5, 7, 9, 33)
    expected = solve_by_kernel(problem).gradients
    saved = _core.recurrent_forward(**forward_arguments(problem), keep=True)[2]
    before = _core.isa()
    _core.set_isa("baseline")
    gradients = _core.recurrent_backward(saved, problem.dy, problem.d_states, True)
    _core.set_isa(before)
    assert gradients[1].tobytes() == expected["kernel"].tobytes()


def test_concurrent_calls_agree(isa: str) -> None:
    problem = random_problem("lstm", np.random.default_rng(2), 6, 9, 10, 40, mask="post")
    expected = solve_by_kernel(problem).gradients["kernel"].tobytes()
    results: list[bytes] = []

    def work() -> None:
        for _ in range(10):
            results.append(solve_by_kernel(problem).gradients["kernel"].tobytes())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [expected] * 40


def floating_point_environment() -> bytes:
    """Control words of the processor: rounding, flush to zero, traps. Without sticky flags."""
    environment = (ctypes.c_uint32 * 8)()
    ctypes.CDLL("libm.so.6").fegetenv(ctypes.byref(environment))
    return bytes(ctypes.c_uint32(environment[7] & ~0x3F)) + bytes(ctypes.c_uint16(environment[0]))


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="reads MXCSR through glibc"
)
@pytest.mark.usefixtures("threads_restored")
def test_floating_point_environment_is_left_alone(isa: str) -> None:
    before = floating_point_environment()
    problem = random_problem("lstm", np.random.default_rng(3), 6, 9, 10, 40)
    for threads in (1, 2):
        _core.set_num_threads(threads)
        solve_by_kernel(problem)
        _core.gemm(problem.kernel, problem.kernel, trans_b=True)
        _core.activation_forward("tanh", problem.x)
        assert floating_point_environment() == before
    with pytest.raises(ValueError, match=r"^activation must be"):
        _core.activation_forward("swash", problem.x)
    assert floating_point_environment() == before


def test_denormals_survive_in_numpy_after_a_kernel() -> None:
    solve_by_kernel(random_problem("gru", np.random.default_rng(4), 2, 3, 4, 5))
    denormal = np.array([1e-40], np.float32)
    assert (denormal * 1 != 0).all()
    assert (np.array([2e-38], np.float32) * np.float32(0.25) != 0).all()


def test_build_config_tells_what_was_built() -> None:
    config: dict[str, Any] = _core.build_config()
    assert set(_core.isa_available()) <= set(config["isa_levels"])
    assert isinstance(config["openmp"], bool)
