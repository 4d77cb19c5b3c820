"""The process of one rival: python -m bench.peers.worker RIVAL THREADS DESCRIPTOR.

The coordinator sets the environment and sends requests over the connection of the descriptor;
each is a method's name and its arguments. A thread pool is process-wide, so are Keras' backend and
the processor cores, which are bound here, before anything is imported that starts threads.
"""

import gc
import importlib
import os
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

RIVALS = {
    "gatework": "gatework",
    "PyTorch": "pytorch",
    "JAX scan": "jax_scan",
    "Keras on JAX": "keras_layers",
    "Keras on TensorFlow": "keras_layers",
    "Keras on PyTorch": "keras_layers",
    "ONNX Runtime": "onnx_runtime",
    "OpenVINO": "open_vino",
}
MISSING = "missing"
LONG = 1.0  # seconds; a call that takes longer needs no other to wake up the threads


class Worker:
    def __init__(self, rival: str, threads: int) -> None:
        self.module = importlib.import_module(f"bench.peers.rivals.{RIVALS[rival]}")
        self.module.start(threads)
        self.tasks: dict[Any, Any] = {}

    def versions(self) -> str:
        return str(self.module.versions())

    def peak(self, threads: int) -> float | None:
        """FMA peak in GFLOP/s, where the rival can tell."""
        measure = getattr(self.module, "peak", None)
        return measure(threads) if measure else None

    def prepare(self, workload: Any, answer: Path | None) -> dict[str, Any] | None:
        """Warms up; seconds of a call and the form chosen. None where the rival has no such thing.

        The answer's arrays go to the file.
        """
        import numpy as np

        maker = self.module.TASKS.get(type(workload))
        task = maker(workload) if maker else None
        if task is None:
            return None
        result = task.call()
        if answer is not None and task.answer is not None:
            arrays = [np.asarray(array) for array in task.answer(result)]
            np.savez(answer, *arrays)
        del result
        seconds = task.seconds() * task.per
        self.tasks[workload] = task, seconds
        return {"form": task.form, "seconds": seconds}

    def time(self, workload: Any, repeats: int) -> list[float]:
        """Seconds of each call (or equal part of it), after one call that is not counted."""
        task, seconds = self.tasks[workload]
        gc.collect()
        if seconds < LONG:
            task.call()
        return [task.seconds() for _ in range(repeats)]

    def forget(self) -> None:
        """Frees what was prepared."""
        self.tasks.clear()
        gc.collect()


def cores(threads: int) -> list[int]:
    """Those every worker is bound to."""
    return sorted(os.sched_getaffinity(0))[:threads]


def main() -> None:
    rival, threads, descriptor = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.sched_setaffinity(0, cores(threads))
    with Connection(descriptor) as connection:
        try:
            worker = Worker(rival, threads)
        except ImportError as error:
            connection.send((MISSING, str(error)))
            return
        connection.send(("ready", worker.versions()))
        gc.disable()
        while True:
            try:
                method, arguments = connection.recv()
            except EOFError:
                return
            try:
                connection.send(("done", getattr(worker, method)(*arguments)))
            except Exception:  # reported in the row; the other rivals go on
                connection.send(("failed", traceback.format_exc()))


if __name__ == "__main__":
    main()
