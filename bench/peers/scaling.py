"""What a token costs as sequences get longer and batches larger: a table and a picture."""

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers.coordinator import MOST, OURS, REST, TURN, Peer
from bench.workloads import SCALING_BATCH, SCALING_TIME, Recurrent


@dataclass
class Point:
    """One size of ours."""

    workload: Recurrent
    threads: int
    seconds: list[float] = field(default_factory=list)  # median of each round

    @property
    def per_token(self) -> float:
        return statistics.median(self.seconds) / (self.workload.batch * self.workload.time)


def measure(peers: dict[str, Peer], threads: int, rounds: int) -> list[Point]:
    """Every size once in each round, so that a slow minute does not look like a size."""
    ours = peers[OURS]
    points = [Point(w, threads) for w in (*SCALING_TIME, *SCALING_BATCH)]
    for _ in range(rounds):
        for point in points:
            seconds = ours.ask("prepare", point.workload, None)["seconds"]
            repeats = max(1, min(MOST, int(TURN / seconds)))
            time.sleep(REST)
            point.seconds.append(statistics.median(ours.ask("time", point.workload, repeats)))
            ours.ask("forget")
    return points


def plot(points: list[Point], path: Path) -> None:
    """Two panels, by length and by batch; lines for training and inference and threads."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    sides = (
        ("time steps, batch 8", SCALING_TIME, "time"),
        ("batch, 50 steps", SCALING_BATCH, "batch"),
    )
    for panel, (label, workloads, size) in zip(panels, sides, strict=True):
        for threads in sorted({point.threads for point in points}):
            for train, style in ((True, "-"), (False, "--")):
                line = [
                    (getattr(p.workload, size), 1e6 * p.per_token)
                    for p in points
                    if p.workload in workloads and (p.threads, p.workload.train) == (threads, train)
                ]
                name = f"{'training' if train else 'inference'}, threads: {threads}"
                panel.plot(*zip(*line, strict=True), style, marker=".", label=name)
        panel.set(xlabel=label, xscale="log", yscale="log")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("µs per token")
    panels[1].legend()
    figure.suptitle("LSTM, 128 inputs, 128 units")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
