"""The cases that the onnx package ships for LSTM, GRU and RNN, through import_model."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import pytest
from gatework.interop.onnx import import_model

from tests.interop.onnx.nodes import with_constants

pytest.importorskip("onnx", reason="ONNX files need the onnx package, not installed")

WEIGHTS = ("W", "R", "B", "P")


def shipped() -> list[Any]:
    """The cases. Collecting them the public way makes those of all operators, which takes long."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("lstm", "gru", "rnn"):
            importlib.import_module(f"onnx.backend.test.case.node.{name}")
        node: Any = importlib.import_module("onnx.backend.test.case.node")
    kinds = ("LSTM", "GRU", "RNN")
    return [c for c in node._NodeTestCases if c.model.graph.node[0].op_type in kinds]


CASES = {case.name: case for case in shipped()}


def test_all_are_there() -> None:
    published = {
        f"test_{kind}_{what}"
        for kind in ("lstm", "gru", "simple_rnn")
        for what in ("defaults", "with_initial_bias", "batchwise")
    } | {"test_lstm_with_peepholes", "test_gru_seq_length", "test_rnn_seq_length"}
    assert published <= CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    names = [slot.name for slot in case.model.graph.input]
    for inputs, outputs in case.data_sets:
        given = dict(zip(names, inputs, strict=True))
        weights = {key: given.pop(key) for key in WEIGHTS if key in given}
        model = import_model(with_constants(case.model, weights))
        values = list(given.values())
        found = model(values if len(values) > 1 else values[0])
        found = found if isinstance(found, (list, tuple)) else [found]
        assert len(found) == len(outputs)
        for own, theirs in zip(found, outputs, strict=True):
            np.testing.assert_allclose(own.numpy(), theirs, rtol=case.rtol, atol=1e-6)
            assert own.shape == theirs.shape
