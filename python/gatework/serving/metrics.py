"""What a server counts, in the form that Prometheus reads."""

from __future__ import annotations

from typing import Any

from .extra import prometheus

__all__ = ["Metrics"]

_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one server.

    Attributes:
        requests: how many, by path and status.
        seconds: of requests, by path.
        batch_rows: rows of the batches that ran.
        waited: seconds for which the oldest row of a batch waited.
        queued: rows that wait.
        sessions: streams that are open.
        messages: of streams, by kind.
    """

    def __init__(self) -> None:
        client = prometheus()
        self._client = client
        self.registry: Any = client.CollectorRegistry()

        def made(kind: str, name: str, text: str, *labels: str, **options: Any) -> Any:
            return getattr(client, kind)(
                f"gatework_{name}", text, labels, registry=self.registry, **options
            )

        self.requests = made("Counter", "requests", "requests answered", "path", "status")
        self.seconds = made(
            "Histogram", "request_seconds", "seconds of requests", "path", buckets=_SECONDS
        )
        self.batch_rows = made("Histogram", "batch_rows", "rows of batches", buckets=_ROWS)
        self.waited = made(
            "Histogram", "batch_wait_seconds", "wait of a batch's oldest row", buckets=_SECONDS
        )
        self.queued = made("Gauge", "queued_rows", "rows that wait")
        self.sessions = made("Gauge", "sessions", "open streams")
        self.messages = made("Counter", "stream_messages", "messages of streams", "kind")

    def on_batch(self, rows: int, waited: float) -> None:
        """Counts a batch."""
        self.batch_rows.observe(rows)
        self.waited.observe(waited)

    def text(self) -> bytes:
        """All figures."""
        found: bytes = self._client.generate_latest(self.registry)
        return found
