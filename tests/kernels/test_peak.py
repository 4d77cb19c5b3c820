"""What is measured of the machine: which figures there are, never how large they are."""

import math
import signal
from pathlib import Path

import pytest
from gatework import _core, _peak

QUICK = {"seconds": 1e-4, "samples": 2}
ALWAYS = {
    "fma_f32_gflops",
    "read_l1_gbs",
    "read_l2_gbs",
    "read_l3_4mb_gbs",
    "read_l3_12mb_gbs",
    "read_dram_gbs",
    "region_us",
}
DOTS = {"bf16_dot_gflops", "vnni_gops"}
TILES = {"bf16_tile_gflops", "int8_tile_gops"}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.usefixtures("small_memory")
def test_figures(isa: str, threads: int) -> None:
    before = _core.num_threads()
    found = _peak.measure(threads, **QUICK)
    expected = set(ALWAYS)
    if isa in ("avx512_bf16", "avx512_amx"):
        expected |= DOTS
    if isa == "avx512_amx":
        expected |= TILES
    if threads > 1 and _core.build_config()["openmp"]:
        expected.add("barrier_us")
    assert set(found) == expected
    assert all(math.isfinite(value) and value > 0 for value in found.values())
    assert _core.num_threads() == before


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers that are quickly filled."""
    monkeypatch.setattr(_peak, "_DRAM", 1 << 20)
    monkeypatch.setattr(_peak, "_DRAM_EACH", 1 << 18)


def test_best_and_median(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "peak", lambda *_: [4e9, 1e9, 2e9])
    by_key = {peak.key: peak for peak in _peak.peaks()}
    assert by_key["read_l1_gbs"].measure(1) == _peak.Figure(best=4.0, median=2.0)
    # Of a duration less is better.
    assert by_key["region_us"].measure(1) == _peak.Figure(best=1e6 / 4e9, median=1e6 / 2e9)


def test_memory_is_far_beyond_the_caches_on_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []

    def remember(what: str, seconds: float, samples: int, size: int) -> list[float]:
        sizes.append(size)
        return [1.0]

    monkeypatch.setattr(_core, "peak", remember)
    dram = next(peak for peak in _peak.peaks() if peak.key == "read_dram_gbs")
    for threads in (1, 2, 64):
        dram.measure(threads)
    assert sizes == [256 << 20, 128 << 20, 64 << 20]


def test_a_rate_for_every_sample() -> None:
    rates = _core.peak("read", 1e-4, 5, 1)
    assert rates is not None
    assert len(rates) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("flops", 0.1, 1), r"^what must be one of fma_f32, .*, barrier, not 'flops'$"),
        (("fma_f32", 0.0, 1), r"^seconds must be above 0 and at most 1, not 0"),
        (("fma_f32", math.nan, 1), r"^seconds must be above 0 and at most 1, not -?nan"),
        (("fma_f32", 1.5, 1), r"^seconds must be above 0 and at most 1, not 1\.5"),
        (("fma_f32", 0.1, 0), r"^samples must be between 1 and 1000, not 0$"),
        (("read", 0.1, 1), r"^size must be between 1 and \d+, not 0$"),
        (("read", 0.1, 1, 1 << 50), r"^size must be between 1 and \d+, not \d+$"),
    ],
)
def test_wrong_arguments(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _core.peak(*arguments)


def test_wrong_number_of_threads_changes_nothing() -> None:
    before = _core.num_threads()
    with pytest.raises(ValueError, match=r"^n must be between 1 and 4096, not 0$"):
        _peak.measure(0)
    assert _core.num_threads() == before


@pytest.mark.parametrize("what", ["fma_f32", "read", "region", "barrier"])
@pytest.mark.usefixtures("threads_restored")
def test_a_signal_ends_it(what: str) -> None:
    class Stopped(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    _core.set_num_threads(2)
    if what == "barrier" and _core.num_threads() == 1:
        pytest.skip("no barrier without OpenMP")
    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(Stopped):
            _core.peak(what, 0.05, 1000, 1 << 20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_size_of_the_second_cache(tmp_path: Path) -> None:
    for index, (level, size) in enumerate((("1", "48K"), ("2", "1280K"), ("3", "32768K"))):
        folder = tmp_path / "cache" / f"index{index}"
        folder.mkdir(parents=True)
        (folder / "level").write_text(level + "\n")
        (folder / "size").write_text(size + "\n")
    assert _peak.l2_bytes(tmp_path) == 1280 * 1024
    assert _peak.l2_bytes(tmp_path / "nowhere") == 512 * 1024
    (tmp_path / "cache" / "index1" / "size").write_text("unknown\n")
    assert _peak.l2_bytes(tmp_path) == 512 * 1024
