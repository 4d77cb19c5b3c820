"""Event files for TensorBoard, through the writer of its own package."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

from .base import Callback, Logs


class TensorBoard(Callback):
    """Writes losses and metrics, and histograms of the weights, for `tensorboard --logdir`.

    Training goes to the folder "train" and validation to "validation". Needs the package
    tensorboard, the extra `gatework[tensorboard]`.

    Args:
        log_dir: the folder.
        histogram_freq: histograms of all weights every so many epochs; 0 for none.
        write_graph: writes the layers of the model for the tab "Graphs".
        write_images: only False.
        write_steps_per_second: also writes how many batches a second are trained.
        update_freq: "epoch", or "batch" or a number of batches for values within epochs too.
        profile_batch: only 0.
        embeddings_freq: only 0.
        embeddings_metadata: only None.

    Raises:
        ImportError: without the package.
        ValueError: for an argument that cannot be honoured.
    """

    saved_attributes = ("_batches",)

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        for name, value in (
            ("write_images", write_images),
            ("profile_batch", profile_batch),
            ("embeddings_freq", embeddings_freq),
            ("embeddings_metadata", embeddings_metadata),
        ):
            if value:
                empty = {"write_images": False, "embeddings_metadata": None}.get(name, 0)
                raise ValueError(f"{name} must be {empty}, not {value!r}: it is not written here")
        if update_freq not in ("epoch", "batch") and (
            isinstance(update_freq, bool) or not isinstance(update_freq, int) or update_freq < 1
        ):
            raise ValueError(
                f"update_freq must be 'epoch', 'batch' or an integer >= 1, not {update_freq!r}"
            )
        if isinstance(histogram_freq, bool) or not isinstance(histogram_freq, int):
            raise ValueError(f"histogram_freq must be an integer >= 0, not {histogram_freq!r}")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._writers: dict[str, Any] = {}
        self._batches = 0
        self._batches_before = 0
        self._epoch_start = 0.0

    # ---- hooks

    def on_train_begin(self, logs: Logs = None) -> None:
        self._batches = 0
        if self.write_graph:
            self._write_model()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._batches_before = self._batches
        self._epoch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batches += 1
        if isinstance(self.update_freq, int) and self._batches % self.update_freq == 0:
            values = {f"batch_{name}": value for name, value in (logs or {}).items()}
            if self.write_steps_per_second:
                values["batch_steps_per_second"] = self._speed()
            self._write("train", values, self._batches)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        train = {f"epoch_{k}": v for k, v in logs.items() if not k.startswith("val_")}
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None:
            train["epoch_learning_rate"] = float(optimizer.learning_rate)
        if self.write_steps_per_second:
            train["epoch_steps_per_second"] = self._speed()
        self._write("train", train, epoch)
        held_out = {f"epoch_{k[4:]}": v for k, v in logs.items() if k.startswith("val_")}
        self._write("validation", held_out, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_test_end(self, logs: Logs = None) -> None:
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is None:
            return
        values = {f"evaluation_{k}_vs_iterations": v for k, v in (logs or {}).items()}
        self._write("validation", values, int(optimizer.iterations))
        self._writer("validation").flush()

    def on_train_end(self, logs: Logs = None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    # ---- writing

    def _speed(self) -> float:
        spent = time.perf_counter() - self._epoch_start
        return (self._batches - self._batches_before) / max(spent, 1e-9)

    def _writer(self, kind: str) -> Any:
        if kind not in self._writers:
            try:
                from tensorboard.summary.writer.event_file_writer import EventFileWriter
            except ImportError as error:
                raise ImportError(
                    "TensorBoard needs the package tensorboard: pip install 'gatework[tensorboard]'"
                ) from error
            self._writers[kind] = EventFileWriter(os.path.join(self.log_dir, kind))
        return self._writers[kind]

    def _add(self, kind: str, summary: Any, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer(kind).add_event(Event(step=step, wall_time=time.time(), summary=summary))

    def _write(self, kind: str, values: dict[str, Any], step: int) -> None:
        numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
        if not numbers:
            return
        self._writer(kind)
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        for name, value in numbers.items():
            self._add(kind, scalar_pb(name, value), step)

    def _write_weights(self, epoch: int) -> None:
        self._writer("train")
        from tensorboard.plugins.histogram.summary_v2 import histogram_pb

        for variable in self.model.weights:
            self._add("train", histogram_pb(f"{variable.path}/histogram", variable.numpy()), epoch)

    def _write_model(self) -> None:
        self._writer("train")
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.util.tensor_util import make_tensor_proto

        try:
            text = self.model.to_json()
        except (NotImplementedError, TypeError, ValueError) as error:
            warnings.warn(f"the graph of the model is not written: {error}", stacklevel=4)
            return
        metadata = SummaryMetadata()
        metadata.plugin_data.plugin_name = "graph_keras_model"
        metadata.plugin_data.content = b"1"
        value = Summary.Value(
            tag="keras", metadata=metadata, tensor=make_tensor_proto(text, dtype="string")
        )
        self._add("train", Summary(value=[value]), 0)
