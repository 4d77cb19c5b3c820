"""A day ahead: seven hourly channels of a power transformer, an LSTM against naive forecasts.

Usage: python examples/forecasting.py --data ETTh1.csv

The file is that of Zhou et al. 2021 (Informer), split as they do: 12 months to learn, 4 to
validate, 4 to test, standardised by the first 12.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from gatework.callbacks import EarlyStopping
from gatework.layers import LSTM, Dense, Dropout, Input, Reshape
from gatework.models import Sequential
from gatework.optimizers import Adam
from gatework.utils import set_random_seed

options = argparse.ArgumentParser()
options.add_argument("--data", type=Path, required=True)
options.add_argument("--epochs", type=int, default=10)
options.add_argument("--months", type=int, default=12, help="the last ones, to learn from")
options.add_argument("--below", type=float, default=0.92, help="of the best naive error, at most")
given = options.parse_args()
PAST, AHEAD, MONTH = 96, 24, 30 * 24

# 1. Hours by channels, standardised.
table = np.genfromtxt(given.data, delimiter=",", skip_header=1, usecols=range(1, 8))
train_hours = table[: 12 * MONTH]
table = ((table - train_hours.mean(0)) / train_hours.std(0)).astype("float32")


def windows(begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Pasts (windows, PAST, 7) and futures (windows, AHEAD, 7), the futures in begin to end."""
    hours = table[max(begin - PAST, 0) : end]
    pieces = np.lib.stride_tricks.sliding_window_view(hours, PAST + AHEAD, axis=0).swapaxes(1, 2)
    return pieces[:, :PAST], pieces[:, PAST:]


parts = [
    windows((12 - given.months) * MONTH, 12 * MONTH),
    windows(12 * MONTH, 16 * MONTH),
    windows(16 * MONTH, 20 * MONTH),
]


# 2. The model sees how far the past lies from its mean, and says how the day ahead will differ
# from the last one.
def relative(past: np.ndarray, future: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return past - past.mean(1, keepdims=True), future - past[:, -AHEAD:]


set_random_seed(0)
model = Sequential(
    [
        Input((PAST, 7)),
        LSTM(64),
        Dropout(0.3),
        Dense(AHEAD * 7),
        Reshape((AHEAD, 7)),
    ]
)
model.compile(loss="huber", optimizer=Adam(0.001))
model.fit(
    *relative(*parts[0]),
    batch_size=64,
    epochs=given.epochs,
    validation_data=relative(*parts[1]),
    callbacks=[EarlyStopping(patience=2, restore_best_weights=True)],
    verbose=2,
)

# 3. The test months, beside two forecasts that learn nothing.
past, future = parts[2]
forecasts = {
    "last hour": past[:, -1:],
    "same hour, last day": past[:, -AHEAD:],
    "LSTM": past[:, -AHEAD:] + model.predict(relative(past, future)[0], verbose=0),
}
errors = {}
for name, forecast in forecasts.items():
    difference = forecast - future
    errors[name] = float((difference**2).mean())
    print(f"{name:>20}: MSE {errors[name]:.3f}, MAE {np.abs(difference).mean():.3f}")
ratio = errors["LSTM"] / min(errors["last hour"], errors["same hour, last day"])
print(f"the LSTM's squared error is {ratio:.0%} of the better naive one")
if ratio > given.below:
    sys.exit(f"it should be at most {given.below:.0%}")
