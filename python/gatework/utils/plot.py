"""Pictures of models, drawn by Graphviz through pydot: the extra "graphviz"."""

from __future__ import annotations

import html
import os
from itertools import pairwise
from typing import Any

from .. import tree

__all__ = ["model_to_dot", "plot_model"]

_DIRECTIONS = ("TB", "LR", "BT", "RL")
_SPLINES = ("ortho", "line", "polyline", "curved", "spline", "none")


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int | None = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> None:
    """Writes a picture of a model to a file.

    Args:
        model: a built model.
        to_file: name of the file; its ending says the format, such as ".png", ".svg", ".pdf".
        show_shapes, show_dtype: shapes of inputs and outputs, dtype of the outputs.
        show_layer_names: names of the layers, beside their classes.
        rankdir: "TB" from top to bottom, "LR" from left to right, "BT", "RL".
        expand_nested: draw the layers inside models.
        dpi: dots per inch.
        show_layer_activations: activations of the layers that have one.
        show_trainable: which layers are trained.
        splines: how Graphviz draws the arrows: "ortho", "line", "polyline", "curved", "spline".

    Raises:
        ImportError: without pydot, or where Graphviz' program ``dot`` is not found.
        ValueError: for a model that is not built, another ``rankdir`` or ``splines``.
    """
    dot = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
    )
    path = os.fspath(to_file)
    ending = os.path.splitext(path)[1][1:].lower()
    if not ending:
        raise ValueError(f"to_file must end in a format, such as '.png', not be {path!r}")
    try:
        picture = dot.create(format=ending)
    except FileNotFoundError as error:
        raise ImportError(
            "plot_model needs Graphviz' program dot: install graphviz with the system's packages"
        ) from error
    with open(path, "wb") as file:
        file.write(picture)


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int | None = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """The ``pydot.Dot`` of a model, or with ``subgraph`` its ``pydot.Cluster``.

    The other arguments are those of ``plot_model``.
    """
    try:
        import pydot
    except ImportError as error:
        raise ImportError("plot_model needs pydot: pip install gatework[graphviz]") from error
    if not model.built:
        raise ValueError(f"{model.name} must be built to be drawn: give it an input shape")
    if rankdir not in _DIRECTIONS:
        raise ValueError(f"rankdir must be one of {', '.join(_DIRECTIONS)}, not {rankdir!r}")
    if splines not in _SPLINES:
        raise ValueError(f"splines must be one of {', '.join(_SPLINES)}, not {splines!r}")
    dot: Any
    if subgraph:
        dot = pydot.Cluster(style="dashed", graph_name=model.name, label=model.name, labeljust="l")
    else:
        dot = pydot.Dot()
        if dpi is not None:
            dot.set("dpi", str(dpi))
    dot.set("rankdir", rankdir)
    dot.set("concentrate", "true")
    dot.set("splines", splines)
    dot.set_node_defaults(shape="plaintext", fontname="Helvetica", margin="0")
    shown = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    _Drawing(pydot, dot, shown, expand_nested).model(dot, model, "")
    return dot


class _Drawing:
    """Nodes and arrows of a model and of those inside it."""

    def __init__(self, pydot: Any, whole: Any, shown: dict[str, bool], expand: bool) -> None:
        self._pydot = pydot
        self._whole = whole
        self._shown = shown
        self._expand = expand
        self._arrows: set[tuple[str, str]] = set()

    def model(self, into: Any, model: Any, path: str) -> tuple[list[str], list[str]]:
        """Draws a model; returns the names of the nodes of its inputs and outputs."""
        graph = getattr(model, "_graph", None)
        if graph is not None:
            return self._graph(into, graph, path)
        if _is_chain(model):
            return self._chain(into, model._layers, path)
        return self._layer(into, model, path, whole=True)

    def _layer(
        self, into: Any, layer: Any, path: str, whole: bool = False
    ) -> tuple[list[str], list[str]]:
        name = f"{path}/{layer.name}"
        inside = getattr(layer, "_graph", None) is not None or _is_chain(layer)
        if self._expand and inside and not whole:
            cluster = self._pydot.Cluster(
                style="dashed", graph_name=name, label=layer.name, labeljust="l"
            )
            ends = self.model(cluster, layer, name)
            into.add_subgraph(cluster)
            return ends
        into.add_node(self._pydot.Node(_quoted(name), label=_label(layer, self._shown)))
        return [name], [name]

    def _chain(self, into: Any, layers: list[Any], path: str) -> tuple[list[str], list[str]]:
        ends = [self._layer(into, layer, path) for layer in layers]
        for (_, sources), (targets, _) in pairwise(ends):
            self._arrow(sources[0], targets[0])
        return ends[0][0], ends[-1][1]

    def _graph(self, into: Any, graph: Any, path: str) -> tuple[list[str], list[str]]:
        ends = {id(one): self._layer(into, one, path) for one in graph.operations}

        def source(tensor: Any) -> str:
            operation, _, output = tensor._keras_history
            names = ends[id(operation)][1]
            return names[output if len(names) > 1 else 0]

        for node in graph.nodes:
            targets = ends[id(node.operation)][0]
            for i, tensor in enumerate(node.inputs):
                self._arrow(source(tensor), targets[i if i < len(targets) else 0])
        return [source(x) for x in graph.flat_inputs], [source(x) for x in graph.flat_outputs]

    def _arrow(self, source: str, target: str) -> None:
        if (source, target) not in self._arrows:
            self._arrows.add((source, target))
            self._whole.add_edge(self._pydot.Edge(_quoted(source), _quoted(target)))


def _is_chain(layer: Any) -> bool:
    return hasattr(layer, "_symbolic") and bool(layer._layers)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _label(layer: Any, shown: dict[str, bool]) -> str:
    """A table: class and name above, activation, then shapes, dtype and whether it trains."""
    kind = html.escape(type(layer).__name__)
    title = f"<b>{html.escape(layer.name)}</b> ({kind})" if shown["names"] else f"<b>{kind}</b>"
    cells = []
    if shown["shapes"]:
        if kind != "InputLayer":
            cells.append(_cell(f"Input shape: <b>{_said(layer, 'input', 'shape')}</b>"))
        cells.append(_cell(f"Output shape: <b>{_said(layer, 'output', 'shape')}</b>"))
    if shown["dtype"]:
        cells.append(_cell(f"Output dtype: <b>{_said(layer, 'output', 'dtype')}</b>"))
    if shown["trainable"] and len(getattr(layer, "weights", ())):
        colour = "forestgreen" if layer.trainable else "firebrick"
        text = "Trainable" if layer.trainable else "Non-trainable"
        cells.append(f'<td bgcolor="{colour}"><font color="white"><b>{text}</b></font></td>')
    span = max(len(cells), 1)
    rows = [
        f'<td colspan="{span}" bgcolor="black"><font point-size="16" color="white">{title}</font>'
        "</td>"
    ]
    activation = getattr(layer, "activation", None) if shown["activations"] else None
    if activation is not None:
        called = getattr(activation, "__name__", type(activation).__name__)
        text = f"Activation: <b>{html.escape(called)}</b>"
        rows.append(_cell(text, f' colspan="{span}"'))
    if cells:
        rows.append("".join(cells))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<<table border="0" cellborder="1" bgcolor="black" cellpadding="10">{body}</table>>'


def _cell(text: str, more: str = "") -> str:
    return f'<td bgcolor="white"{more}><font point-size="14">{text}</font></td>'


def _said(layer: Any, end: str, what: str) -> str:
    """Shapes or dtypes of a layer's inputs or outputs; "?" before it was called on any."""
    try:
        found = tree.map_structure(lambda tensor: str(getattr(tensor, what)), getattr(layer, end))
    except AttributeError:
        return "?"
    return html.escape(", ".join(tree.flatten(found)))
