"""Pictures of models: what is drawn, and what is missing without Graphviz."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from gatework.layers import Add, Dense, Input
from gatework.models import Model, Sequential
from gatework.utils import model_to_dot, plot_model


def residual() -> Model:
    a = Input((3,), name="a")
    inner = Sequential([Dense(3, activation="tanh", name="d")], name="inner")
    return Model(a, Add(name="sum")([a, inner(a)]))


def test_without_pydot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ImportError, match=r"needs pydot: pip install gatework\[graphviz\]"):
        plot_model(residual())


class TestDrawing:
    @pytest.fixture(autouse=True)
    def _pydot(self) -> None:
        pytest.importorskip("pydot", reason="pictures need pydot, which is not installed")

    def test_layers_and_arrows(self) -> None:
        dot = model_to_dot(residual(), show_shapes=True, show_layer_activations=True)
        text = dot.to_string()
        assert "<b>sum</b> (Add)" in text
        assert "Output shape: <b>(None, 3)</b>" in text
        arrows = {(e.get_source(), e.get_destination()) for e in dot.get_edges()}
        assert arrows == {('"/a"', '"/sum"'), ('"/a"', '"/inner"'), ('"/inner"', '"/sum"')}

    def test_layers_inside(self) -> None:
        dot = model_to_dot(residual(), expand_nested=True)
        arrows = {e.get_destination() for e in dot.get_edges() if e.get_source() == '"/inner/d"'}
        assert arrows == {'"/sum"'}
        assert len(dot.get_subgraphs()) == 1

    def test_mistakes(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="must be built to be drawn"):
            model_to_dot(Sequential([Dense(1)]))
        with pytest.raises(ValueError, match="rankdir must be one of TB, LR, BT, RL, not 'up'"):
            model_to_dot(residual(), rankdir="up")
        with pytest.raises(ValueError, match="to_file must end in a format"):
            plot_model(residual(), tmp_path / "picture")

    @pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz' dot is not installed")
    def test_a_picture(self, tmp_path: Path) -> None:
        plot_model(residual(), tmp_path / "model.png", show_shapes=True, show_trainable=True)
        assert (tmp_path / "model.png").read_bytes()[:4] == b"\x89PNG"
