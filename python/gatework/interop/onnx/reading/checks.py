"""What must hold of a graph before any of it is converted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

__all__ = ["check_graph"]

OLDEST_OPSET, NEWEST_OPSET = 7, 24
DEFAULT_DOMAINS = ("", "ai.onnx")
LONGEST_LIST = 20  # names in an error message


def check_graph(proto: Any, known: Collection[str]) -> int:
    """Refuses graphs that cannot be imported; returns the version of the operator set.

    Args:
        proto: the ``ModelProto``.
        known: names of the operators that have a converter.

    Raises:
        ValueError: the message lists all operators that have none.
    """
    if not proto.graph.node and not proto.graph.output:
        raise ValueError("the ONNX model must have a graph, not an empty one")
    opset = _opset(proto)
    graph = proto.graph
    _check_text(graph)
    unknown = {
        (f"{node.domain}.{node.op_type}" if node.domain not in DEFAULT_DOMAINS else node.op_type)
        for node in graph.node
        if node.domain not in DEFAULT_DOMAINS or node.op_type not in known
    }
    if unknown:
        raise ValueError(f"the graph has operators that cannot be imported: {_listed(unknown)}")
    for field in ("functions", "training_info"):
        if len(getattr(proto, field)):
            raise ValueError(f"the ONNX model must have no {field}")
    if len(graph.sparse_initializer):
        raise ValueError("the graph must have no sparse_initializer: weights are dense")
    _check_names(graph)
    return opset


def _check_text(graph: Any) -> None:
    """Names are text: protobuf gives bytes where a file has something else."""
    texts = [graph.name, *(slot.name for slot in (*graph.input, *graph.output, *graph.initializer))]
    for node in graph.node:
        texts += [node.name, node.op_type, node.domain, *node.input, *node.output]
        texts += [attribute.name for attribute in node.attribute]
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"names in the graph must be text, not {bytes(text)[:40]!r}")


def _opset(proto: Any) -> int:
    versions = {entry.version for entry in proto.opset_import if entry.domain in DEFAULT_DOMAINS}
    if len(versions) != 1:
        raise ValueError(
            f"the ONNX model must name one version of the operators, not {sorted(versions)}"
        )
    version = int(versions.pop())
    if not OLDEST_OPSET <= version <= NEWEST_OPSET:
        raise ValueError(
            f"the version of the operators must be {OLDEST_OPSET} to {NEWEST_OPSET}, not {version}"
        )
    return version


def _check_names(graph: Any) -> None:
    """Every name is made once, and before it is needed: no cycles, nothing missing."""
    made: set[str] = set()
    twice: set[str] = set()

    def make(name: str) -> None:
        (twice if name in made else made).add(name)

    weights = [tensor.name for tensor in graph.initializer]
    for name in weights:
        make(name)
    # Old files list the weights among the inputs too.
    for slot in graph.input:
        if slot.name not in weights:
            make(slot.name)
    every = {name for node in graph.node for name in node.output} | made
    missing: set[str] = set()
    late: set[str] = set()
    for node in graph.node:
        for name in filter(None, node.input):
            if name not in made:
                (late if name in every else missing).add(name)
        for name in filter(None, node.output):
            make(name)
    missing |= {slot.name for slot in graph.output if slot.name not in made}
    outputs = [slot.name for slot in graph.output]
    twice |= {name for name in outputs if outputs.count(name) > 1}
    if twice:
        raise ValueError(f"every name must be made once in the graph, not twice: {_listed(twice)}")
    if missing:
        raise ValueError(f"the graph must make every name it needs, but not {_listed(missing)}")
    if late:
        raise ValueError(
            f"nodes must come after those they need, not in a cycle or before: {_listed(late)}"
        )


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:LONGEST_LIST]
    more = len(names) - len(shown)
    return ", ".join(name[:80] for name in shown) + (f" and {more} more" if more else "")
