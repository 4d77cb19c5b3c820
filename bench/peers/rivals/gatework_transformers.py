"""Our Transformers, through the public API."""

from typing import Any

import gatework
import numpy as np
from gatework import ops

from bench.peers import transformer_problems as problems
from bench.peers.task import Task
from bench.transformers import Attention, Gpt, Layer


def layer(w: Layer) -> Task:
    x, dy, weights = problems.layer(w)
    policy = "mixed_bfloat16" if w.bf16 else "float32"
    inputs = gatework.Tensor(x)
    if w.hidden:
        made: Any = gatework.layers.TransformerEncoder(w.hidden, w.heads, name="block")
    else:
        made = gatework.layers.MultiHeadAttention(w.heads, w.width // w.heads)
    arguments = (inputs,) if w.hidden else (inputs, inputs)
    made(*arguments)
    made.set_weights(weights)
    for part in made._flatten_layers():
        part.dtype_policy = policy
    if not w.train:
        return Task(lambda: made(*arguments), lambda y: [y.numpy()])

    def train() -> Any:
        with gatework.GradientTape() as tape:
            tape.watch(inputs)
            y = made(*arguments, training=True)
        return y, tape.gradient(y, [inputs, *made.trainable_weights], output_gradients=dy)

    return Task(train, lambda result: problems.answer(result[0], result[1][0], result[1][1:]))


def attention(w: Attention) -> Task:
    *given, dy = problems.attention(w)
    tensors = [gatework.Tensor(a) for a in given]
    if not w.train:
        return Task(
            lambda: ops.dot_product_attention(*tensors, is_causal=True), lambda y: [y.numpy()]
        )

    def train() -> Any:
        with gatework.GradientTape() as tape:
            tape.watch(tensors)
            y = ops.dot_product_attention(*tensors, is_causal=True)
        return y, tape.gradient(y, tensors, output_gradients=dy)

    return Task(train, lambda result: [np.asarray(a) for a in (result[0], *result[1])])


def model(w: Gpt) -> Any:
    """As in examples/gpt_shakespeare.py."""
    layers = gatework.layers
    ids = layers.Input((None,), dtype="int32")
    embedding = layers.TokenAndPositionEmbedding(w.words, w.time, w.width)
    x = embedding(ids)
    for _ in range(w.layers):
        x = layers.TransformerDecoder(
            4 * w.width, w.heads, activation="gelu", normalize_first=True
        )(x)
    scores = embedding.token_embedding(layers.LayerNormalization()(x), reverse=True)
    return gatework.Model(ids, scores)


def gpt(w: Gpt) -> Task:
    made = model(w)
    if w.train:
        given = problems.batches(w)
        loss = gatework.losses.SparseCategoricalCrossentropy(from_logits=True)
        made.compile(gatework.optimizers.AdamW(1e-3, global_clipnorm=1.0), loss)

        def steps() -> None:
            for x, y in given:
                made.train_on_batch(x, y)

        return Task(steps, per=w.steps)
    prompt = np.zeros((w.batch, 1), np.int32)
    return Task(lambda: made.generate(prompt, w.time, "greedy"), per=w.time - 1)


TASKS = {Layer: layer, Attention: attention, Gpt: gpt}
