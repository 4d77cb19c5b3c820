"""Layers step by step: the same numbers as on whole sequences, or a refusal that says why."""

from typing import Any

import numpy as np
import pytest
from gatework import layers, ops
from gatework.autograd import as_tensor
from gatework.layers.stepping import select_rows

BATCH, TIME, FEATURES = 3, 7, 6


class Accumulating(layers.Layer):
    """A cell somebody wrote: its state decays, its output is the sum of it and the input."""

    state_size = FEATURES

    def call(self, inputs: Any, states: Any) -> Any:
        return inputs + states[0], [inputs * 0.5 + states[0]]


CASES = {
    "LSTM": lambda: layers.LSTM(4, return_sequences=True),
    "LSTM, last step": lambda: layers.LSTM(4),
    "LSTM, projection": lambda: layers.LSTM(4, projection=2, return_sequences=True),
    "LSTM, states": lambda: layers.LSTM(4, return_sequences=True, return_state=True),
    "LSTM, zero at masked": lambda: layers.RNN(
        layers.LSTMCell(4), return_sequences=True, zero_output_for_mask=True
    ),
    "GRU, levels": lambda: layers.GRU(4, return_sequences=True, num_layers=2),
    "SimpleRNN": lambda: layers.SimpleRNN(4, return_sequences=True),
    "stacked cells": lambda: layers.RNN(
        [layers.LSTMCell(3), layers.GRUCell(4)], return_sequences=True
    ),
    "a cell somebody wrote": lambda: layers.RNN(Accumulating(), return_sequences=True),
    "causal convolution": lambda: layers.Conv1D(3, 3, padding="causal", dilation_rate=2),
    "convolution of one step": lambda: layers.Conv1D(3, 1),
    "Dense": lambda: layers.Dense(3, activation="softmax"),
    "EinsumDense": lambda: layers.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d"),
    "LayerNormalization": lambda: layers.LayerNormalization(),
    "RMSNormalization": lambda: layers.RMSNormalization(),
    "BatchNormalization": lambda: layers.BatchNormalization(),
    "UnitNormalization": lambda: layers.UnitNormalization(),
    "Softmax": lambda: layers.Softmax(),
    "PReLU": lambda: layers.PReLU(alpha_initializer="ones", shared_axes=[1]),
    "TimeDistributed": lambda: layers.TimeDistributed(layers.Dense(2)),
    "Dropout": lambda: layers.Dropout(0.5),
    "GaussianNoise": lambda: layers.GaussianNoise(0.5),
    "Masking": lambda: layers.Masking(),
    "LSTM, zoneout": lambda: layers.LSTM(4, return_sequences=True, zoneout=0.3),
    "LSTM, bfloat16": lambda: layers.LSTM(
        4, return_sequences=True, num_layers=2, dtype="mixed_bfloat16"
    ),
    "RNN, bfloat16": lambda: layers.RNN(
        layers.GRUCell(4), return_sequences=True, dtype="mixed_bfloat16"
    ),
    "Dense, bfloat16": lambda: layers.Dense(3, dtype="mixed_bfloat16"),
    "causal convolution, bfloat16": lambda: layers.Conv1D(
        3, 3, padding="causal", dtype="mixed_bfloat16"
    ),
    "TransformerDecoder, bfloat16": lambda: layers.TransformerDecoder(8, 2, dtype="mixed_bfloat16"),
    "TransformerDecoder": lambda: layers.TransformerDecoder(8, 2, normalize_first=True),
    "TransformerDecoder, normalized last": lambda: layers.TransformerDecoder(8, 3),
    "SinePositionEncoding": lambda: layers.SinePositionEncoding(),
    "RotaryEmbedding": lambda: layers.RotaryEmbedding(),
    "PositionEmbedding": lambda: layers.PositionEmbedding(TIME),
}


MASKLESS = ("Softmax", True)  # its mask is one of values, not of steps


def first(outputs: Any) -> Any:
    return outputs[0] if isinstance(outputs, list) else outputs


@pytest.mark.parametrize(
    ("case", "masked"),
    [(case, masked) for case in CASES for masked in (False, True) if (case, masked) != MASKLESS],
)
def test_steps_give_what_the_whole_sequence_gives(case: str, masked: bool) -> None:
    layer = CASES[case]()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, TIME, FEATURES)).astype(np.float32)
    mask = rng.random((BATCH, TIME)) < 0.6

    def part(start: int, stop: int, rows: Any = slice(None)) -> Any:
        tensor = as_tensor(x[rows, start:stop])
        if masked:
            tensor._keras_mask = as_tensor(mask[rows, start:stop])
        return tensor

    whole = first(layer(part(0, TIME)))
    cache = layer.initial_cache(BATCH, TIME)
    outputs, cache = layer.call_with_cache(part(0, 3), cache)
    found = [first(outputs)]
    for t in range(3, TIME):
        outputs, cache = layer.call_with_cache(part(t, t + 1), cache)
        found.append(first(outputs))
    if whole.ndim == 2:
        np.testing.assert_allclose(found[-1].numpy(), whole.numpy(), rtol=1e-6, atol=1e-6)
    else:
        steps = np.concatenate([one.numpy() for one in found], axis=1)
        np.testing.assert_allclose(steps, whole.numpy(), rtol=1e-6, atol=1e-6)
    if masked and whole._keras_mask is not None and whole.ndim == 3 and case != "Masking":
        np.testing.assert_array_equal(found[-1]._keras_mask.numpy(), mask[:, -1:])


@pytest.mark.parametrize("case", ["LSTM", "GRU, levels", "a cell somebody wrote", "stacked cells",
                                  "causal convolution", "TransformerDecoder",
                                  "PositionEmbedding"])  # fmt: skip
def test_rows_of_a_cache_are_chosen_and_repeated(case: str) -> None:
    layer = CASES[case]()
    x = np.random.default_rng(1).normal(size=(BATCH, TIME, FEATURES)).astype(np.float32)
    whole = layer(x).numpy()
    _, cache = layer.call_with_cache(as_tensor(x[:, :4]), layer.initial_cache(BATCH, TIME))
    rows = np.array([2, 0, 0, 1])
    cache = select_rows([cache, {"of": (None, 3, np.arange(3))}], rows)
    assert cache[1]["of"][:2] == (None, 3)
    assert cache[1]["of"][2].tolist() == [2, 0, 0, 1]
    outputs, _ = layer.call_with_cache(as_tensor(x[rows, 4:]), cache[0])
    np.testing.assert_allclose(outputs.numpy(), whole[rows, 4:], rtol=1e-6, atol=1e-6)


def test_a_stateful_layer_keeps_what_it_carries() -> None:
    layer = layers.LSTM(4, return_sequences=True, stateful=True)
    x = np.random.default_rng(2).normal(size=(BATCH, TIME, FEATURES)).astype(np.float32)
    whole = layer(x).numpy()
    carried = [state.numpy().copy() for state in layer.states]
    outputs, _ = layer.call_with_cache(as_tensor(x), layer.initial_cache(BATCH, TIME))
    np.testing.assert_allclose(outputs.numpy(), whole, rtol=1e-6, atol=1e-6)
    for before, after in zip(carried, layer.states, strict=True):
        np.testing.assert_array_equal(before, after.numpy())


REFUSED = {
    "reads the last step first": lambda: layers.LSTM(3, go_backwards=True),
    "one of its directions": lambda: layers.Bidirectional(layers.LSTM(3)),
    "windows hold several steps": lambda: layers.Conv1D(3, 3),
    "padding='causal' with strides=1": lambda: layers.Conv1D(3, 3, strides=2, padding="causal"),
    "pools over all steps": lambda: layers.GlobalMaxPooling1D(),
    "pools over several steps": lambda: layers.MaxPooling1D(),
    "joins all steps": lambda: layers.Flatten(),
    "axis of time": lambda: layers.LayerNormalization(axis=1),
    "move the axis of time": lambda: layers.Permute((2, 1)),
    "over all steps": lambda: layers.GroupNormalization(2),
    "changes the number of steps": lambda: layers.UpSampling1D(),
    "equation abc,bd->adc": lambda: layers.EinsumDense("abc,bd->adc", (4, FEATURES)),
    "acts_per_step = True": lambda: layers.Lambda(lambda x: ops.flip(x, axis=1)),
    "slopes of its own": lambda: layers.PReLU(),
    "looks at later steps": lambda: layers.TransformerEncoder(8, 2),
}


@pytest.mark.parametrize("why", REFUSED)
def test_layers_that_mix_steps_are_refused(why: str) -> None:
    layer = REFUSED[why]()
    x = as_tensor(np.ones((BATCH, TIME, FEATURES), np.float32))
    layer(x)
    with pytest.raises(ValueError, match=rf"layer '{layer.name}' \(\w+\) cannot run.*{why}"):
        layer.call_with_cache(x, layer.initial_cache(BATCH, TIME))


def test_what_joins_a_summary_with_steps_is_refused() -> None:
    steps = as_tensor(np.ones((2, 4, 3), np.float32))
    summary = as_tensor(np.ones((2, 3), np.float32))
    layer = layers.Add()
    assert layer.call_with_cache([steps, steps], layer.initial_cache(2, 4))[0].shape == (2, 4, 3)
    with pytest.raises(ValueError, match="an axis of time with what has none"):
        layer.call_with_cache([steps, summary], layer.initial_cache(2, 4))
    with pytest.raises(ValueError, match="axis of time"):
        layers.Concatenate(axis=1).call_with_cache([steps, steps], None)


def test_a_subclass_with_another_call_speaks_for_itself() -> None:
    class Backwards(layers.Dense):
        def call(self, inputs: Any) -> Any:
            return ops.flip(super().call(inputs), axis=1)

    class Later(layers.LSTM):
        def call(self, sequences: Any, **options: Any) -> Any:
            return ops.flip(super().call(sequences, **options), axis=1)

    class Doubled(layers.Dense):
        acts_per_step = True

        def call(self, inputs: Any) -> Any:
            return super().call(inputs) * 2.0

    for cls, base in ((Backwards, "Dense"), (Later, "RNN")):
        with pytest.raises(ValueError, match=rf"its call\(\) is not that of {base}"):
            cls(3).initial_cache(2, 4)
    assert Doubled(3).initial_cache(2, 4) is None
    free = layers.Lambda(lambda x: x * 2.0)
    free.acts_per_step = True
    x = as_tensor(np.ones((2, 4, 3), np.float32))
    assert free.call_with_cache(x, free.initial_cache(2, 4))[0].numpy().sum() == 48


ATTENTIONS = {
    "MultiHeadAttention": lambda: layers.MultiHeadAttention(2, 3, value_dim=4, use_gate=True),
    "window": lambda: layers.MultiHeadAttention(2, 3, sliding_window=3),
    "GroupedQueryAttention": lambda: layers.GroupedQueryAttention(3, 4, 2),
}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", ATTENTIONS)
def test_causal_self_attention_keeps_keys_and_values(kind: str, masked: bool) -> None:
    layer = ATTENTIONS[kind]()
    rng = np.random.default_rng(3)
    x = rng.normal(size=(BATCH, TIME, FEATURES)).astype(np.float32)
    mask = rng.random((BATCH, TIME)) < 0.6

    def part(start: int, stop: int, rows: Any = slice(None)) -> Any:
        tensor = as_tensor(x[rows, start:stop])
        if masked:
            tensor._keras_mask = as_tensor(mask[rows, start:stop])
        return tensor

    whole = part(0, TIME)
    expected = layer(whole, whole, use_causal_mask=True).numpy()
    cache = layer.initial_cache(BATCH, TIME)
    rows: Any = np.arange(BATCH)
    for start, stop in ((0, 3), (3, 4), (4, 5), (5, 7)):
        x_now = part(start, stop, rows)
        outputs, cache = layer.call_with_cache(x_now, cache, x_now, use_causal_mask=True)
        np.testing.assert_allclose(
            outputs.numpy(), expected[rows, start:stop], rtol=1e-5, atol=1e-5
        )
        if stop == 4:
            rows = np.array([2, 0, 0])
            cache = select_rows(cache, rows)
    one = part(0, 1, rows)
    with pytest.raises(ValueError, match="steps must be at most 7 in all, not 8"):
        layer.call_with_cache(one, cache, one, use_causal_mask=True)


def test_attention_to_what_is_not_there_yet_is_refused() -> None:
    x = as_tensor(np.ones((2, 3, 4), np.float32))
    other = as_tensor(np.ones((2, 3, 4), np.float32))
    layer = layers.MultiHeadAttention(2, 2)
    layer(x, x)
    decoder = layers.TransformerDecoder(8, 2)
    decoder(x)
    crossing = layers.TransformerDecoder(8, 2)
    crossing(x, other)
    for kind, arguments, options, why in (
        (layer, (x,), {}, "without use_causal_mask"),
        (layer, (other,), {"use_causal_mask": True}, "keys and values are those of another"),
        (layer, (x, other), {"use_causal_mask": True}, "keys and values are those of another"),
        (layer, (x,), {"use_causal_mask": True, "attention_mask": x}, "with attention_mask"),
        (decoder, (), {"use_causal_mask": False}, "without use_causal_mask"),
        (decoder, (), {"decoder_attention_mask": x}, "called with decoder_attention_mask"),
        (crossing, (other,), {}, "its encoder_sequence is computed from the same"),
    ):
        with pytest.raises(ValueError, match=f"cannot run step by step: .*{why}"):
            kind.call_with_cache(x, kind.initial_cache(2, 3), *arguments, **options)
    with pytest.raises(ValueError, match="it attends to all steps"):
        layers.Attention().call_with_cache([x, x], None)
    with pytest.raises(ValueError, match="max_length must be at most the 5 positions of 'place'"):
        layers.PositionEmbedding(5, name="place").initial_cache(1, 6)
    with pytest.raises(ValueError, match="it is told its positions"):
        layers.SinePositionEncoding().call_with_cache(x, 0, positions=[0, 1, 2])
