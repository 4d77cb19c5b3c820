"""What this machine can do at most: arithmetic, read bandwidth, starting and meeting of threads.

All threads work at the same time, each for itself; rates are those of all together. The instruction
set is the one in use. Figures move with the clock frequency and with whatever else runs, so compare
only what was measured in one go.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from . import _core

__all__ = ["SAMPLES", "SECONDS", "Figure", "Peak", "measure", "peaks"]

SECONDS = 0.1  # of one sample, about
SAMPLES = 7

_KIB, _MIB = 1 << 10, 1 << 20
_DRAM = 256 * _MIB
_DRAM_EACH = 64 * _MIB
_L2_UNKNOWN = 512 * _KIB


@dataclass(frozen=True)
class Figure:
    """The best and the median of several samples, in the unit of their ``Peak``."""

    best: float
    median: float


@dataclass(frozen=True)
class Peak:
    """One property of the machine, measured by ``_core.peak``.

    ``unit`` is GFLOP/s, GOP/s, GB/s (1e9 bytes) or µs, of which less is better. ``size`` are the
    bytes every thread reads; all of them together read at least ``total``.
    """

    key: str
    label: str
    unit: str
    what: str
    size: int = 0
    total: int = 0

    def measure(
        self, threads: int, seconds: float = SECONDS, samples: int = SAMPLES
    ) -> Figure | None:
        """The figure of ``threads`` threads; None where there is nothing to measure.

        Raises:
            ValueError: an argument is out of range.
            RuntimeError: this process cannot use so many threads.
        """
        before = _core.num_threads()
        _core.set_num_threads(threads)
        try:
            if _core.num_threads() != threads:
                raise RuntimeError(
                    f"threads must be {_core.num_threads()} in this process, not {threads}"
                )
            size = max(self.size, self.total // threads)
            rates = _core.peak(self.what, seconds, samples, size)
        finally:
            _core.set_num_threads(before)
        if rates is None:
            return None
        best, median = max(rates), statistics.median(rates)
        if self.unit == "µs":
            return Figure(1e6 / best, 1e6 / median)
        return Figure(best / 1e9, median / 1e9)


def measure(threads: int, seconds: float = SECONDS, samples: int = SAMPLES) -> dict[str, float]:
    """The best figures of ``threads`` threads, by key.

    ``fma_f32_gflops``, ``bf16_dot_gflops``, ``vnni_gops``, ``bf16_tile_gflops``,
    ``int8_tile_gops``, ``read_l1_gbs``, ``read_l2_gbs``,
    ``read_l3_4mb_gbs``, ``read_l3_12mb_gbs``, ``read_dram_gbs``, ``region_us`` (an empty parallel
    region), ``barrier_us``. There is no key for what the instruction set in use lacks, and none for
    the barrier of a single thread.

    Args:
        threads: threads at work at the same time.
        seconds: duration of a sample, about, at most 1.
        samples: samples of each figure.

    Raises:
        ValueError: an argument is out of range.
        RuntimeError: this process cannot use so many threads.
    """
    figures = {peak.key: peak.measure(threads, seconds, samples) for peak in peaks()}
    return {key: figure.best for key, figure in figures.items() if figure is not None}


def peaks() -> tuple[Peak, ...]:
    """Everything that is measured, on a processor with caches of this one's sizes."""
    l2 = l2_bytes() // 2
    return (
        Peak("fma_f32_gflops", "f32 multiply-add", "GFLOP/s", "fma_f32"),
        Peak("bf16_dot_gflops", "bf16 dot product", "GFLOP/s", "dot_bf16"),
        Peak("vnni_gops", "int8 dot product", "GOP/s", "dot_int8"),
        Peak("bf16_tile_gflops", "bf16 tiles (AMX)", "GFLOP/s", "tile_bf16"),
        Peak("int8_tile_gops", "int8 tiles (AMX)", "GOP/s", "tile_int8"),
        Peak("read_l1_gbs", "read L1, 16 KB", "GB/s", "read", 16 * _KIB),
        Peak("read_l2_gbs", f"read L2, {l2 // _KIB} KB", "GB/s", "read", l2),
        Peak("read_l3_4mb_gbs", "read L3, 4 MB", "GB/s", "read", 4 * _MIB),
        Peak("read_l3_12mb_gbs", "read L3, 12 MB", "GB/s", "read", 12 * _MIB),
        # Beyond any shared cache together, and each thread beyond its share of a large one.
        Peak("read_dram_gbs", "read DRAM", "GB/s", "read", _DRAM_EACH, _DRAM),
        Peak("region_us", "parallel region", "µs", "region"),
        Peak("barrier_us", "barrier", "µs", "barrier"),
    )


def l2_bytes(cpu: Path = Path("/sys/devices/system/cpu/cpu0")) -> int:
    """Size of a core's second cache, as Linux tells it; 512 KB where it does not."""
    for level in cpu.glob("cache/index*/level"):
        try:
            if level.read_text().strip() == "2":
                size = (level.parent / "size").read_text().strip()
                return int(size.removesuffix("K")) * _KIB
        except (OSError, ValueError):
            continue
    return _L2_UNKNOWN
