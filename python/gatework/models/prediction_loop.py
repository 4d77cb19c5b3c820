"""`predict`: the loop over batches."""

from __future__ import annotations

from typing import Any

from .._suggest import named_arguments
from ..callbacks import CallbackList
from .epochs import Epochs
from .predictions import Predictions
from .run_data import RunData, check_verbose
from .states import forget_states_of_other_size, kept_states, stateful_layers


class PredictionLoop(RunData):
    """`predict`; what happens to one batch is in `Trainer`."""

    @named_arguments
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Returns the model's outputs for all samples, as NumPy arrays.

        Safe to call from several threads at once, also while another trains the model: a batch
        sees the weights between two updates. (A model that carries states is refused then.)

        Args:
            x: inputs, as for `fit`; labels that a source yields are left aside. Of sequences of
                unequal length the results come in their order, and an output per step as a list of
                arrays, each as long as its sequence; batches, which callbacks see, are sorted by
                length.
            batch_size: samples computed at a time, 32 when None; only for arrays.
            verbose: 0 silent, 1 a progress bar, 2 one line; "auto" means 1.
            steps: the number of batches; all of the data when None.
            callbacks: `Callback` objects.

        Raises:
            ValueError: for data that does not fit the model.
            RuntimeError: for a stateful model that another thread trains.
        """
        check_verbose(verbose)
        stateful = stateful_layers(self)
        data = self._epochs(
            x, None, None, batch_size, steps, "steps", labelled=False, stateful=stateful
        )
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(
                callbacks,
                add_progbar=verbose != 0,
                model=self,
                verbose=verbose,
                epochs=1,
                steps=data.num_batches,
            )
        self.stop_predicting = False
        if stateful:
            self._weights_lock.refuse_beside_training("predict", self.name)
        if stateful and self._lookups is not None:
            # Inside an epoch of `fit`, which goes on from the states it left.
            with kept_states(stateful):
                return self._predict(data, callbacks, stateful)
        return self._predict(data, callbacks, stateful)

    def _predict(self, data: Epochs, callbacks: CallbackList, stateful: list[Any]) -> Any:
        predictions = Predictions(data.source.restore)
        try:
            callbacks.on_predict_begin()
            for batch, item in enumerate(data.batches(0)):
                if batch == 0 and stateful:
                    forget_states_of_other_size(stateful, item)
                callbacks.on_predict_batch_begin(batch)
                try:
                    with self._weights_lock.reading():
                        outputs = predictions.add(item, self._predicted(item))
                except Exception as error:
                    error.add_note(f"in predict, at batch {batch}")
                    raise
                callbacks.on_predict_batch_end(batch, {"outputs": outputs})
                if self.stop_predicting:
                    break
            if not len(predictions):
                raise ValueError("x must yield at least one batch, not none")
        except BaseException:
            callbacks.close()
            raise
        callbacks.on_predict_end()
        return predictions.joined()
