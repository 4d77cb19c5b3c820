"""PyTorch: its own recurrent layers and cells, eager or scripted, and a training loop by hand.

Weights are transposed; the GRU's gates come as reset, update, candidate. A layer has two biases;
an LSTM's one bias is the first of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.peers import problems
from bench.peers.imports import import_task
from bench.peers.rivals import pytorch_transformers, torch_pass
from bench.peers.task import Task, fastest
from bench.workloads import Import, Recurrent, Served, Step, Tutorial

Array = problems.Array
LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "simple_rnn": nn.RNN}
CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "simple_rnn": nn.RNNCell}


def start(threads: int) -> None:
    torch.set_num_threads(threads)


def versions() -> str:
    return str(torch.__version__)


def swapped(cell: str, part: Array) -> Array:
    """Gates along the first axis in the other order; the same function goes there and back."""
    if cell != "gru":
        return part
    first, second, third = np.split(part, 3)
    return np.concatenate([second, first, third])


def to_torch(cell: str, weights: problems.Weights) -> list[torch.Tensor]:
    """weight_ih, weight_hh, bias_ih, bias_hh."""
    bias = weights.bias if weights.bias.ndim == 2 else np.stack([weights.bias, 0 * weights.bias])
    parts = [weights.kernel.T, weights.recurrent_kernel.T, *bias]
    return [torch.tensor(np.ascontiguousarray(swapped(cell, part))) for part in parts]


def to_keras(cell: str, gradients: list[torch.Tensor]) -> list[Array]:
    """Gradients of kernel, recurrent kernel and bias."""
    inner, recurrent, bias, other = (swapped(cell, g.numpy()) for g in gradients)
    return [inner.T, recurrent.T, np.stack([bias, other]) if cell == "gru" else bias]


def layer_of(w: Recurrent, weights: Any) -> nn.Module:
    layer = LAYERS[w.cell](
        w.inputs, w.units, w.layers, batch_first=True, bidirectional=w.bidirectional
    )
    parts = [p for directions in weights for one in directions for p in to_torch(w.cell, one)]
    with torch.no_grad():
        for parameter, value in zip(layer.parameters(), parts, strict=True):
            parameter.copy_(value)
    return layer


def recurrent(w: Recurrent) -> Task:
    given = problems.recurrent(w)
    layer = layer_of(w, given.weights)
    x, dy = torch.tensor(given.x), torch.tensor(given.dy)
    if not w.bf16:
        return layer_task(w, layer, x, dy)
    rounded = layer_of(w, given.weights).to(torch.bfloat16)
    found = fastest(
        {
            "bfloat16": layer_task(w, rounded, x.to(torch.bfloat16), dy.to(torch.bfloat16)),
            "autocast": layer_task(w, layer, x, dy, autocast=True),
        }
    )
    return judged(found, layer_task(w, layer, x, dy))


def judged(task: Task, exact: Task, most: float = 0.1) -> Task:
    """The task, unless its answer is far from the library's own in float32: then the row says so,
    and ours is compared with the latter. oneDNN's gradients in bfloat16 of 1024 units are wrong on
    AMX."""
    assert task.answer is not None
    assert exact.answer is not None
    wanted = exact.answer(exact.call())
    pairs = zip(task.answer(task.call()), wanted, strict=True)
    worst = max(float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in pairs)
    if worst <= most:
        return task
    form = f"{task.form}, wrong: off its own float32 by {worst:.1f}"
    return replace(task, answer=lambda _: wanted, form=form)


def layer_task(
    w: Recurrent, layer: nn.Module, x: torch.Tensor, dy: torch.Tensor, autocast: bool = False
) -> Task:
    if not w.train:
        return Task(
            torch_pass.infer(layer, x, autocast), lambda result: [result[0].float().numpy()]
        )

    def answer(result: Any) -> list[Array]:
        y, (dx, *rest) = result
        found = [y.detach().float().numpy(), dx.float().numpy()]
        for at in range(0, len(rest), 4):
            found += to_keras(w.cell, [g.float() for g in rest[at : at + 4]])
        return found

    return Task(torch_pass.train(layer, x, dy, autocast, lambda result: result[0]), answer)


def steps(w: Step) -> Task:
    weights, values = problems.steps(w)
    cell = CELLS[w.cell](w.units, w.units)
    with torch.no_grad():
        for parameter, value in zip(cell.parameters(), to_torch(w.cell, weights), strict=True):
            parameter.copy_(value)
    cell.eval()
    xs = [torch.tensor(x) for x in values]
    zero = torch.zeros(1, w.units)
    initial = (zero, zero) if w.cell == "lstm" else zero
    with torch.no_grad():
        traced = torch.jit.freeze(torch.jit.trace(cell, (xs[0], initial)))

    def loop(step: Any) -> Task:
        def run() -> Any:
            with torch.inference_mode():
                state = initial
                for x in xs:
                    state = step(x, state)
                return state

        def answer(state: Any) -> list[Array]:
            return [s.numpy() for s in (state if w.cell == "lstm" else [state])]

        return Task(run, answer, per=w.count)

    return fastest({"eager cell": loop(cell), "torch.jit cell": loop(traced)})


class Tutor(nn.Module):
    """The tutorial's model, without the dropouts inside of the LSTM; returns logits."""

    def __init__(self, w: Tutorial) -> None:
        super().__init__()
        table, *lstm, kernel, bias = problems.tutorial_weights(w)
        self.embedding = nn.Embedding(w.words, w.columns)
        self.spatial = nn.Dropout1d(w.dropout)
        self.lstm = nn.LSTM(w.columns, w.units, batch_first=True)
        self.output = nn.Linear(w.units, 1)
        values = [
            torch.tensor(table),
            *to_torch("lstm", problems.Weights(*lstm)),
            torch.tensor(kernel.T),
            torch.tensor(bias),
        ]
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), values, strict=True):
                parameter.copy_(value)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embedding(ids)
        if self.training:
            x = self.spatial(x.transpose(1, 2)).transpose(1, 2)
        y, _ = self.lstm(x)
        return self.output(y[:, -1])


def tutorial(w: Tutorial) -> Task:
    ids, labels = (torch.tensor(array) for array in problems.tutorial_data(w))
    model = Tutor(w)
    if not w.train:
        model.eval()

        def predict() -> Any:
            with torch.inference_mode():
                return torch.cat([torch.sigmoid(model(part)) for part in ids.split(w.batch)])

        return Task(predict, lambda y: [y.numpy()])
    loss = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)

    def epoch() -> None:
        for rows in torch.randperm(len(ids)).split(w.batch):
            optimizer.zero_grad()
            loss(model(ids[rows]), labels[rows]).backward()
            optimizer.step()

    return Task(epoch, form="by hand, LSTM without dropouts")


def served(w: Served) -> Task:
    """The tutorial's model in eager mode, all samples at once."""
    ids, _ = problems.tutorial_data(w)
    given = torch.tensor(ids)
    model = Tutor(w).eval()

    def predict() -> Any:
        with torch.inference_mode():
            return torch.sigmoid(model(given))

    return Task(predict, lambda y: [y.numpy()])


TASKS = {
    Recurrent: recurrent,
    Step: steps,
    Tutorial: tutorial,
    Served: served,
    Import: lambda w: import_task("import torch"),
    **pytorch_transformers.TASKS,
}
