"""Keras on the backend of the environment variable KERAS_BACKEND."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import keras
import numpy as np

from bench.peers import problems, transformer_problems
from bench.peers.imports import import_task
from bench.peers.rivals import models
from bench.peers.task import Task, fastest
from bench.transformers import Layer
from bench.workloads import Import, Padding, Recurrent, Served, Tutorial

Array = problems.Array
BACKEND = keras.backend.backend()
LAYERS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}
PACKAGES = {"jax": ("jax",), "torch": ("torch",), "tensorflow": ("tensorflow", "tensorflow_cpu")}


def start(threads: int) -> None:
    if BACKEND == "torch":
        import torch

        torch.set_num_threads(threads)
    if BACKEND == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(threads)


def versions() -> str:
    for package in PACKAGES[BACKEND]:
        try:
            return f"{keras.__version__}, {package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return str(keras.__version__)


def model_of(w: Recurrent, given: problems.Layers) -> Any:
    """Layers over x; the weights of both directions follow each other."""
    layers = []
    for _ in range(w.layers):
        layer = getattr(keras.layers, LAYERS[w.cell])(w.units, return_sequences=True)
        layers.append(keras.layers.Bidirectional(layer) if w.bidirectional else layer)
    model = keras.Sequential(layers)
    model.build(given.x.shape)
    model.set_weights([a for directions in given.weights for one in directions for a in one])
    return model


def recurrent(w: Recurrent) -> Task:
    given = problems.recurrent(w)
    model = model_of(w, given)
    run = {"jax": on_jax, "torch": on_torch, "tensorflow": on_tensorflow}[BACKEND]
    return Task(run(model, given, w.train), lambda result: [np.asarray(part) for part in result])


def self_attention(w: Layer) -> Task | None:
    """Attention alone: a block is KerasHub's."""
    if w.hidden or w.bf16:
        return None
    x, dy, weights = transformer_problems.layer(w)
    inputs = keras.Input(x.shape[1:])
    attention = keras.layers.MultiHeadAttention(w.heads, w.width // w.heads)
    model = keras.Model(inputs, attention(inputs, inputs))
    model.set_weights(weights)
    run = {"jax": on_jax, "torch": on_torch, "tensorflow": on_tensorflow}[BACKEND]
    given = problems.Layers((), x, dy)
    return Task(
        run(model, given, w.train),
        lambda result: transformer_problems.answer(result[0], result[1], result[2:]),
    )


def on_jax(model: Any, given: problems.Layers, train: bool) -> Any:
    """Compiled; the weights are arguments, as in Keras' own training step."""
    import jax

    weights = [v.value for v in model.trainable_variables]
    fixed = [v.value for v in model.non_trainable_variables]
    x, dy = jax.device_put((given.x, given.dy))

    def forward(weights: Any, x: Any) -> Any:
        return model.stateless_call(weights, fixed, x, training=train)[0]

    def gradients(weights: Any, x: Any) -> Any:
        y, backward = jax.vjp(forward, weights, x)
        dweights, dx = backward(dy)
        return [y, dx, *dweights]

    if train:
        compiled = jax.jit(gradients)
        return lambda: jax.block_until_ready(compiled(weights, x))
    infer = jax.jit(forward)
    return lambda: [jax.block_until_ready(infer(weights, x))]


def on_torch(model: Any, given: problems.Layers, train: bool) -> Any:
    import torch

    x, dy = torch.tensor(given.x), torch.tensor(given.dy)
    weights = [v.value for v in model.trainable_variables]

    def gradients() -> Any:
        y = model(x, training=True)
        return [y.detach(), *torch.autograd.grad(y, [x, *weights], dy)]

    def forward() -> Any:
        with torch.no_grad():
            return [model(x, training=False)]

    x.requires_grad_(train)
    return gradients if train else forward


def on_tensorflow(model: Any, given: problems.Layers, train: bool) -> Any:
    """A graph, not compiled by XLA: that is what Keras does with these layers on a CPU."""
    import tensorflow as tf

    x, dy = tf.constant(given.x), tf.constant(given.dy)

    @tf.function
    def gradients(x: Any, dy: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = model(x, training=True)
        sources = [x, *(v.value for v in model.trainable_variables)]
        return [y, *tape.gradient(y, sources, output_gradients=dy)]

    @tf.function
    def forward(x: Any) -> Any:
        return [model(x, training=False)]

    def finished(results: Any) -> Any:
        return [result.numpy() for result in results]

    if train:
        return lambda: finished(gradients(x, dy))
    return lambda: finished(forward(x))


def tutorial(w: Tutorial) -> Task:
    return models.task(keras, w)


def served(w: Served) -> Task:
    """All samples at once, by whichever of Keras' ways is the fastest."""
    model = models.tutorial(keras, w)
    ids, _ = problems.tutorial_data(w)

    def answer(y: Any) -> list[Any]:
        return [np.asarray(y)]

    return fastest(
        {
            "predict": Task(lambda: model.predict(ids, verbose=0), answer),
            "predict_on_batch": Task(lambda: model.predict_on_batch(ids), answer),
        }
    )


def padding(w: Padding) -> Task | None:
    """The same NumPy code on every backend: measured once."""
    return models.padding_task(keras.utils.pad_sequences, w) if BACKEND == "jax" else None


TASKS = {
    Recurrent: recurrent,
    Tutorial: tutorial,
    Served: served,
    Padding: padding,
    Import: lambda w: import_task("import keras"),
    Layer: self_attention,
}
