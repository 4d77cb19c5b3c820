"""Fault 63: other libraries' OpenMP runtimes beside ours."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("first", ["gatework", "torch"])
def test_63_beside_other_runtimes(first: str) -> None:
    """PyTorch and scikit-learn bring OpenMP runtimes of their own."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    imports = ["import gatework", "import torch, sklearn.cluster"]
    program = "\n".join(imports if first == "gatework" else imports[::-1])
    program += """
import numpy as np
from gatework import layers
x = np.ones((64, 20, 32), "f4")
for _ in range(3):
    y = np.asarray(layers.LSTM(64)(x))
    t = torch.nn.LSTM(32, 64, batch_first=True)(torch.from_numpy(x))[0]
    sklearn.cluster.KMeans(2, n_init=1).fit(np.random.rand(500, 3))
    x @ np.ones((32, 32), "f4")
assert np.isfinite(y).all() and torch.isfinite(t).all()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=300)
