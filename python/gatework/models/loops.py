"""`fit` and `evaluate`: the loops over epochs and batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._suggest import named_arguments
from ..callbacks import CallbackList, History
from ..callbacks.callback_list import plain_logs
from ..layers.base import Layer
from ..preprocessing.batch import unpack_x_y_sample_weight
from .arrays import split_validation
from .epochs import Epochs
from .expected import Expected
from .fit_run import FitRun
from .interface import Lookups
from .prediction_loop import PredictionLoop
from .run_data import check_verbose
from .states import forget_states_of_other_size, kept_states, stateful_layers


def _check_epochs(epochs: Any, initial_epoch: Any) -> None:
    for name, value, least in (("epochs", epochs, 1), ("initial_epoch", initial_epoch, 0)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < least:
            raise ValueError(f"{name} must be an integer >= {least}, not {value!r}")


def _validates(epoch: int, validation_freq: Any) -> bool:
    if isinstance(validation_freq, int) and validation_freq >= 1:
        return (epoch + 1) % validation_freq == 0
    if isinstance(validation_freq, list | tuple | set):
        return epoch + 1 in validation_freq
    raise ValueError(
        f"validation_freq must be a positive integer or a list of epochs, not {validation_freq!r}"
    )


class TrainingLoops(PredictionLoop):
    """The loops; what happens to one batch is in `Trainer`."""

    @named_arguments
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[Any, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Trains the model.

        Args:
            x: inputs: an array, data frame or sparse matrix; a list or dict of arrays, one per
                input; a list of sequences of unequal length; or a generator, `PyDataset` or loader
                that yields batches `(inputs, targets)` or `(inputs, targets, sample_weights)`.
                Sequences (lists of ids, or arrays `(time, features)`) are padded with zeros behind
                to the longest of their batch, and those of similar length meet in a batch. Padded
                steps are masked, with or without `Embedding(mask_zero=True)`: recurrent layers,
                losses and metrics leave them out; layers that know no masks see zeros.
            y: targets, unless `x` yields them; per step of such sequences a list of as many.
            batch_size: samples per update, 32 when None; only for arrays.
            epochs: the number of the last epoch, counting from 1.
            verbose: 0 silent, 1 a progress bar, 2 one line per epoch; "auto" means 1.
            callbacks: `Callback` objects.
            validation_split: the part of the samples, from the end, held out for validation.
            validation_data: `(x, y)` or `(x, y, sample_weight)`, or a source of batches.
            shuffle: a new order of samples each epoch; "batch" shuffles within batches.
            class_weight: class index -> factor of the loss of its samples.
            sample_weight: factor of the loss per sample `(n,)` or per step `(n, steps)`.
            initial_epoch: the epoch to start with, to go on with an earlier run.
            steps_per_epoch: batches per epoch; all of the data when None.
            validation_steps: batches per validation; all of the data when None.
            validation_batch_size: `batch_size` when None.
            validation_freq: validates every so many epochs, or after the epochs listed.

        Returns:
            A `History`, also kept as `model.history`.

        Raises:
            ValueError: for data that does not fit together, before anything is trained.
            RuntimeError: if another thread is training the model.
        """
        self._require_compiled("fit")
        _check_epochs(epochs, initial_epoch)
        check_verbose(verbose)
        _validates(0, validation_freq)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation(
                x, y, sample_weight, validation_split, Expected.of(self)
            )
        train = self._epochs(
            x, y, sample_weight, batch_size, steps_per_epoch, "steps_per_epoch", shuffle,
            class_weight, training=True,
        )  # fmt: skip
        held_out = None
        if validation_data is not None:
            held_out = self._epochs(
                *unpack_x_y_sample_weight(validation_data),
                validation_batch_size or batch_size,
                validation_steps,
                "validation_steps",
            )
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(
                callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                model=self,
                verbose=verbose,
                epochs=epochs,
                steps=train.num_batches,
            )
        elif callbacks.model is not self or callbacks.history is None:
            callbacks.adopt(self)
        with self._weights_lock.training(self.name):
            return self._fit(train, held_out, callbacks, initial_epoch, epochs, validation_freq)

    def _fit(
        self,
        train: Epochs,
        held_out: Epochs | None,
        callbacks: CallbackList,
        initial_epoch: int,
        epochs: int,
        validation_freq: Any,
    ) -> History:
        self.stop_training = False
        logs: dict[str, Any] = {}
        finished = False
        # A callback may call `fit` itself: the run around gets its own back.
        around, run = (self._run, self._on_bad_loss), FitRun(self, train, callbacks, initial_epoch)
        self._run = run
        self._on_bad_loss = None
        try:
            callbacks.on_train_begin()  # may go on with an earlier run
            initial_epoch = run.epoch
            if self.stop_training:
                epochs = initial_epoch
            for epoch in range(initial_epoch, epochs):
                if run.batch == 0:
                    self.reset_metrics()
                callbacks.on_epoch_begin(epoch)
                seen, logs = self._train_epoch(train, callbacks, run)
                if seen == 0:
                    self._out_of_data(epoch, initial_epoch)
                    break
                if held_out is not None and _validates(epoch, validation_freq):
                    results = self._evaluate(held_out, callbacks)
                    logs.update({f"val_{name}": value for name, value in results.items()})
                run.epoch, run.batch = epoch + 1, 0
                callbacks.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            finished = True
        finally:
            self._lookups = None
            self._run, self._on_bad_loss = around
            train.close()
            if held_out is not None:
                held_out.close()
            if self.optimizer is not None:
                with self._weights_lock.writing():
                    self.optimizer.finalize_variable_values(self.trainable_variables)
            if not finished:
                callbacks.close()
        callbacks.on_train_end(logs)
        history: History = callbacks.history
        self.history = history
        return history

    @staticmethod
    def _out_of_data(epoch: int, initial_epoch: int) -> None:
        if epoch == initial_epoch:
            raise ValueError("x must yield at least one batch, not none")
        import warnings

        warnings.warn(
            f"the generator is used up after {epoch - initial_epoch} epochs: training stops",
            stacklevel=4,
        )

    def _train_epoch(
        self, train: Epochs, callbacks: CallbackList, run: FitRun
    ) -> tuple[int, dict[str, Any]]:
        """Runs one epoch; returns the number of batches and the logs."""
        self._lookups = None
        logs: Any = {}
        group, first, batch = self.steps_per_execution, run.batch, run.batch - 1
        stateful = stateful_layers(self)
        for batch, data in enumerate(train.batches(run.epoch, run.batch), run.batch):
            if batch % group == 0:
                first = batch
                callbacks.on_train_batch_begin(batch)
            if batch == 0 and stateful:
                forget_states_of_other_size(stateful, data)
            try:
                self._check_batch(train, data)
                with self._weights_lock.writing():
                    logs = self.train_step(data)
            except Exception as error:
                error.add_note(f"in fit, at batch {batch}")
                raise
            run.batch = batch + 1
            if self._lookups is None:
                # The first batch may have created weights and metrics; now they are all there.
                self._lookups = self._looked_up()
            if batch - first == group - 1:
                callbacks.on_train_batch_end(batch, logs)
            if self.stop_training:
                break
        self._lookups = None
        if not logs and batch >= 0:  # the run that goes on had all batches, but not their end
            logs = self.get_metrics_result()
        elif batch >= 0 and batch - first < group - 1:
            callbacks.on_train_batch_end(batch, logs)
        return batch + 1, plain_logs(logs)

    def _looked_up(self) -> Lookups:
        # A model may define `losses` itself. (Every trainer here is a layer as well.)
        inherited = type(self).losses is Layer.losses  # type: ignore[comparison-overlap]
        variables = self.trainable_variables
        return Lookups(
            variables,
            [variable for variable in variables if variable.regularizer is not None],
            self.metrics,
            list(self._flatten_layers()) if inherited else None,
        )

    @named_arguments
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Computes loss and metrics on data; the arguments are those of `fit`.

        Returns:
            The loss, a list of the loss and the metrics when there are any, or with `return_dict`
            a dictionary of them by name.

        Raises:
            RuntimeError: if another thread is training the model.
        """
        self._require_compiled("evaluate")
        self._weights_lock.refuse_beside_training("evaluate", self.name)
        check_verbose(verbose)
        data = self._epochs(x, y, sample_weight, batch_size, steps, "steps")
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(
                callbacks,
                add_progbar=verbose != 0,
                model=self,
                verbose=verbose,
                epochs=1,
                steps=data.num_batches,
            )
        with self._kept_training_metrics():
            logs = self._evaluate(data, callbacks)
            return logs if return_dict else self._in_order(logs)

    @contextmanager
    def _kept_training_metrics(self) -> Iterator[None]:
        """Inside an epoch of `fit` (from a callback) gives its metrics back afterwards."""
        running = self._lookups
        if running is None:
            yield
            return
        variables = [variable for metric in running.metrics for variable in metric.variables]
        values = [variable.numpy().copy() for variable in variables]
        self._lookups = None
        try:
            with kept_states(stateful_layers(self)):
                yield
        finally:
            self._lookups = running
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _evaluate(self, data: Epochs, callbacks: CallbackList) -> dict[str, Any]:
        self.stop_evaluating = False
        self.reset_metrics()
        logs: Any = {}
        batch = -1
        stateful = stateful_layers(self)
        try:
            callbacks.on_test_begin()
            for batch, item in enumerate(data.batches(0)):
                if batch == 0 and stateful:
                    forget_states_of_other_size(stateful, item)
                callbacks.on_test_batch_begin(batch)
                try:
                    self._check_batch(data, item)
                    with self._weights_lock.reading():
                        logs = self.test_step(item)
                except Exception as error:
                    error.add_note(f"in evaluate, at batch {batch}")
                    raise
                callbacks.on_test_batch_end(batch, logs)
                if self.stop_evaluating:
                    break
            if batch < 0:
                raise ValueError("validation data must yield at least one batch, not none")
        except BaseException:
            callbacks.close()
            raise
        plain = plain_logs(logs)
        callbacks.on_test_end(plain)
        return plain
