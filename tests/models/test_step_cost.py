"""What a step of training costs beside its kernels, counted in calls of Python functions."""

import sys

import numpy as np
from gatework.callbacks import Callback
from gatework.layers import LSTM, Dense, Embedding, SpatialDropout1D
from gatework.models import Sequential

STEPS = 10


class CallCounter(Callback):
    """Counts calls from the start of the second batch to the end of the last."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 1:
            sys.setprofile(self.count)

    def on_train_batch_end(self, batch, logs=None):
        if batch == STEPS:
            sys.setprofile(None)

    def count(self, frame, event, argument):
        self.calls += event == "call"


def test_a_step_of_the_tutorials_model_makes_few_calls():
    model = Sequential(
        [
            Embedding(100, 8),
            SpatialDropout1D(0.2),
            LSTM(8, dropout=0.2, recurrent_dropout=0.2),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 100, (2 * (STEPS + 1), 3)), rng.integers(0, 2, 2 * (STEPS + 1))
    counter = CallCounter()
    before = sys.getprofile()
    try:
        model.fit(x, y, batch_size=2, verbose=0, callbacks=[counter])
    finally:
        sys.setprofile(before)
    # 380 as this was written, those of the counter itself included.
    assert 200 < counter.calls / STEPS < 400
