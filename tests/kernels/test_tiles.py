"""Tile registers (AMX): the process that asks for them, and what interrupts their use."""

import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from gatework import _core

pytestmark = pytest.mark.skipif(
    "avx512_amx" not in _core.isa_available(), reason="no tile registers"
)

PERMITTED = """
import ctypes
def tiles_permitted():
    mask = ctypes.c_uint64()
    if ctypes.CDLL(None, use_errno=True).syscall(158, 0x1022, ctypes.byref(mask)) != 0:
        return None
    return bool(mask.value >> 18 & 1)
"""


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PERMITTED + textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def product(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal((150, 150)).astype(np.float32) for _ in "ab")
    return _core.gemm(a, b, bf16=True)


@pytest.fixture
def asks_the_system() -> None:
    """Not so where tiles are emulated."""
    code = "from gatework import _core; print(tiles_permitted())"
    if run(code, GATEWORK_ISA="") != "True":
        pytest.skip("no tile registers granted by the system: emulated, or none")


@pytest.mark.usefixtures("asks_the_system")
def test_a_lower_level_does_not_ask_the_system() -> None:
    code = "from gatework import _core; print(_core.isa(), tiles_permitted())"
    assert run(code, GATEWORK_ISA="baseline") == "baseline False"
    assert run(code, GATEWORK_ISA="avx512_amx") == "avx512_amx True"


@pytest.mark.usefixtures("asks_the_system")
def test_a_small_alternate_stack_makes_the_level_unavailable() -> None:
    """What Linux refuses then is not used; the program goes on with the level below."""
    out = run(
        """
        import ctypes
        class Stack(ctypes.Structure):
            _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]
        memory = ctypes.create_string_buffer(8192)
        stack = Stack(ctypes.addressof(memory), 0, 8192)
        refused = ctypes.CDLL(None).sigaltstack(ctypes.byref(stack), None)
        from gatework import _core
        import numpy as np
        _core.gemm(np.ones((40, 40), np.float32), np.ones((40, 40), np.float32), bf16=True)
        print(refused, tiles_permitted(), "avx512_amx" in _core.isa_available())
        """,
        GATEWORK_ISA="",
    )
    refused, permitted, available = out.split()
    assert (refused, available) == ("0", permitted)


def test_signals_on_an_alternate_stack_while_tiles_hold_sums() -> None:
    """faulthandler's stack is made after the import, or before it, and both are large enough."""
    for before, after in (("faulthandler.enable()", ""), ("", "faulthandler.enable()")):
        out = run(
            f"""
            import faulthandler, signal, threading, time
            {before}
            from gatework import _core
            {after}
            import numpy as np
            hits = []
            signal.signal(signal.SIGALRM, lambda *_: hits.append(1))
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            rng = np.random.default_rng(0)
            a, b = (rng.standard_normal((200, 300)).astype(np.float32) for _ in "ab")
            expected = _core.gemm(a, b, trans_b=True, bf16=True).tobytes()
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                assert _core.gemm(a, b, trans_b=True, bf16=True).tobytes() == expected
            signal.setitimer(signal.ITIMER_REAL, 0)
            print(len(hits) > 10)
            """,
            GATEWORK_ISA="",
        )
        assert out == "True"


def test_threads_made_before_and_after_agree() -> None:
    out = run(
        """
        import threading
        import numpy as np
        go, results = threading.Event(), []
        a = np.random.default_rng(0).standard_normal((90, 90)).astype(np.float32)
        def work():
            go.wait()
            from gatework import _core
            results.append(_core.gemm(a, a, bf16=True).tobytes())
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads: thread.start()
        from gatework import _core
        threads += [threading.Thread(target=work) for _ in range(3)]
        for thread in threads[3:]: thread.start()
        go.set()
        for thread in threads: thread.join()
        print(len(results), len(set(results)))
        """,
        GATEWORK_ISA="",
    )
    assert out == "6 1"


@pytest.mark.filterwarnings("ignore:This process")
def test_a_fork_computes_the_same() -> None:
    before = _core.isa()
    _core.set_isa("avx512_amx")
    try:
        expected = product().tobytes()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(write, b"same" if product().tobytes() == expected else b"other")
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(read, 10) == b"same"
        os.close(read)
        os.close(write)
    finally:
        _core.set_isa(before)


def test_two_python_threads_hold_sums_of_their_own() -> None:
    before = _core.isa()
    _core.set_isa("avx512_amx")
    try:
        expected = [product(seed).tobytes() for seed in range(4)]
        found: dict[int, bool] = {}

        def work(seed: int) -> None:
            found[seed] = all(product(seed).tobytes() == expected[seed] for _ in range(30))

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == dict.fromkeys(range(4), True)
    finally:
        _core.set_isa(before)


@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 31, 32, 33, 34, 48, 49, 64, 65, 97, 161])
def test_rows_do_not_depend_on_how_many_there_are(rows: int) -> None:
    """Registers of any height, blocks whose halves overlap, columns beyond the last."""
    before = _core.isa()
    _core.set_isa("avx512_amx")
    try:
        rng = np.random.default_rng(rows)
        a = rng.standard_normal((rows, 90)).astype(np.float32)
        b = rng.standard_normal((90, 75)).astype(np.float32)
        c = rng.standard_normal((rows, 75)).astype(np.float32)
        whole = c.copy()
        _core.gemm(a, b, out=whole, accumulate=True, bf16=True)
        for row in range(rows):
            one = c[row : row + 1].copy()
            _core.gemm(a[row : row + 1], b, out=one, accumulate=True, bf16=True)
            np.testing.assert_array_equal(one[0], whole[row])
    finally:
        _core.set_isa(before)
