"""The tutorial's model and pad_sequences of Keras' API, ours and theirs by the same lines."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers import problems
from bench.peers.task import Task
from bench.workloads import Padding, Tutorial


def tutorial(keras: Any, w: Tutorial) -> Any:
    """The model with its weights; ``keras`` is the package."""
    layers = keras.layers
    model = keras.models.Sequential()
    model.add(layers.Embedding(w.words, w.columns))
    model.add(layers.SpatialDropout1D(w.dropout))
    model.add(layers.LSTM(w.units, dropout=w.dropout, recurrent_dropout=w.recurrent_dropout))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.build((w.samples, w.time))
    model.set_weights(problems.tutorial_weights(w))
    return model


def task(keras: Any, w: Tutorial) -> Task:
    """An epoch of ``fit`` or one ``predict``."""
    model = tutorial(keras, w)
    ids, labels = problems.tutorial_data(w)
    if not w.train:
        return Task(lambda: model.predict(ids, batch_size=w.batch, verbose=0), lambda y: [y])
    return Task(lambda: model.fit(ids, labels, batch_size=w.batch, epochs=1, verbose=0))


def padding_task(pad_sequences: Callable[..., Any], w: Padding) -> Task:
    given = problems.ragged(w)
    return Task(lambda: pad_sequences(given, maxlen=w.maxlen), lambda y: [np.asarray(y)])
