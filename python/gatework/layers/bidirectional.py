"""Both directions of time."""

from __future__ import annotations

from typing import Any, Self

from .. import ops, tree
from ..autograd import Tensor, as_tensor
from .base import Layer
from .recurrent.stacked import state_sizes
from .recurrent.steps import cells_in
from .wrappers import require_layer

__all__ = ["Bidirectional"]

MERGE_MODES = ("concat", "sum", "ave", "mul", None)
_NEEDED = ("go_backwards", "return_sequences", "return_state")


def _copy_of(layer: Layer, prefix: str, **changes: Any) -> Any:
    """A new layer of the same configuration, its name with a prefix."""
    from ..saving.registry import custom_object_scope

    config = {**layer.get_config(), **changes}
    config["name"] = prefix + layer.name.removeprefix(prefix)
    # Classes of the user need no registration: they are at hand.
    inside = [*layer._flatten_layers(), *cells_in(getattr(layer, "cell", layer))]
    with custom_object_scope({type(one).__name__: type(one) for one in inside}):
        return type(layer).from_config(config)


def _require_recurrent(name: str, layer: Any) -> Any:
    missing = [needed for needed in _NEEDED if not hasattr(layer, needed)]
    if missing:
        raise ValueError(
            f"{name} must be a recurrent layer, such as LSTM, GRU or RNN(cell), not "
            f"{type(layer).__name__}, which has no {missing[0]}"
        )
    return layer


class Bidirectional(Layer):
    """Runs a recurrent layer forwards and a copy of it backwards over time.

    Args:
        layer: a layer with ``go_backwards``, ``return_sequences``, ``return_state``, ``stateful``;
            its configuration makes both directions.
        merge_mode: "concat", "sum", "ave", "mul": how the outputs are joined; None returns both.
        weights: initial weights, first half forward.
        backward_layer: a layer of its own for the backward direction.

    The layers of a layer with ``num_layers`` are joined one by one: each reads both directions of
    the one below. Its states are still those of all layers forward, then those backward.

    With ``return_state`` the result is a list: the outputs, then the states forward and backward.
    Masked steps output zeros when ``return_sequences`` is set.
    """

    _mixing = "one of its directions reads the last step first"

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        require_layer("layer", layer)
        if merge_mode not in MERGE_MODES:
            raise ValueError(f"merge_mode must be one of {MERGE_MODES}, not {merge_mode!r}")
        super().__init__(**kwargs)
        _require_recurrent("layer", layer)
        self.forward_layer: Any = _copy_of(layer, "forward_")
        if backward_layer is None:
            backward_layer = _copy_of(layer, "backward_", go_backwards=not layer.go_backwards)
        require_layer("backward_layer", backward_layer)
        self.backward_layer: Any = _require_recurrent("backward_layer", backward_layer)
        self._check_layers()
        one: Any
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self.stateful = bool(getattr(layer, "stateful", False))
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec
        if weights is not None:
            self._initial_weights = list(weights)

    def _check_layers(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "backward_layer must have another go_backwards than layer, "
                f"not {backward.go_backwards} as well"
            )
        defaults = {"stateful": False, "return_sequences": False, "return_state": False}
        for name, default in {**defaults, "num_layers": 1}.items():
            ours, theirs = getattr(forward, name, default), getattr(backward, name, default)
            if ours != theirs:
                raise ValueError(
                    f"backward_layer must have the same {name} as layer, {ours}, not {theirs}"
                )

        if self._levels > 1 and forward.go_backwards:
            raise ValueError("layer of several layers must go forwards, not backwards")

    @property
    def _levels(self) -> int:
        """The number of layers in each direction; both are joined after every one."""
        return int(getattr(self.forward_layer, "num_layers", 1))

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        shape = (sequences_shape[0], sequences_shape[-1])
        for level in range(self._levels if self._levels > 1 else 0):
            cells = [one.cell.cells[level] for one in (self.forward_layer, self.backward_layer)]
            for cell in cells:
                if not cell.built:
                    cell.build(shape)
            sizes = [cell.output_size for cell in cells]
            shape = (shape[0], sum(sizes) if self.merge_mode in ("concat", None) else sizes[0])
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        self.built = True

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """Runs both directions. ``initial_state``: the states forward, then backward."""
        # A layer somebody wrote need not take a mask or states as long as there are none.
        shared = {} if mask is None else {"mask": mask}
        given: list[dict[str, Any]] = [dict(shared), dict(shared)]
        if initial_state is not None:
            initial_state = self._checked_states(initial_state)
            half = len(initial_state) // 2
            given[0]["initial_state"] = list(initial_state[:half])
            given[1]["initial_state"] = list(initial_state[half:])
        if self._levels > 1:
            forward, backward = self._run_levels(sequences, given, training)
        else:
            forward = self.forward_layer(sequences, training=training, **given[0])
            backward = self.backward_layer(sequences, training=training, **given[1])
        final: list[Any] = []
        if self.return_state:
            final = [*forward[1:], *backward[1:]]
            forward, backward = forward[0], backward[0]
        if self.return_sequences:
            backward = ops.flip(backward, axis=1)
        merged = self._merge(forward, backward)
        if self.return_state:
            return [*merged, *final] if isinstance(merged, list) else [merged, *final]
        return merged

    def _checked_states(self, states: Any) -> Any:
        """The states given, if they can be those of both directions."""
        if not isinstance(states, list | tuple):
            raise TypeError(
                f"initial_state of {self.name} must be a list of the states forward and then "
                f"those backward, not {type(states).__name__}"
            )
        if len(states) % 2:
            raise ValueError(
                f"initial_state of {self.name} must hold as many states backward as forward, "
                f"not {len(states)} in all"
            )
        cell = getattr(self.forward_layer, "cell", None)
        each = None if cell is None else len(tree.flatten(state_sizes(cell)))
        if each is not None and len(states) != 2 * each and not any(map(tree.is_nested, states)):
            raise ValueError(
                f"initial_state of {self.name} must hold {each} state(s) forward and then {each} "
                f"backward, not {len(states)} in all"
            )
        return states

    def _run_levels(
        self, sequences: Any, given: list[dict[str, Any]], training: bool
    ) -> tuple[Any, Any]:
        """What both layers return where each of their layers reads both directions."""
        layers = (self.forward_layer, self.backward_layer)
        sequences = as_tensor(sequences, "float32")
        batch = sequences.shape[0]
        starts = [
            layer._initial_state(own.get("initial_state"), batch)
            for layer, own in zip(layers, given, strict=True)
        ]
        finals: list[list[Any]] = [[], []]
        for level in range(self._levels):
            last = level == self._levels - 1
            outputs = []
            for layer, own, start, final in zip(layers, given, starts, finals, strict=True):
                output, states = layer.cell.cells[level].run(
                    sequences,
                    initial_state=None if start is None else start[level],
                    training=training,
                    mask=own.get("mask"),
                    go_backwards=layer.go_backwards,
                    zero_output_for_mask=layer.zero_output_for_mask,
                    return_sequences=self.return_sequences or not last,
                )
                outputs.append(output)
                final.append(states)
            if not last:
                merged = self._merge(outputs[0], ops.flip(outputs[1], axis=1))
                joined = ops.concatenate(merged, axis=-1) if isinstance(merged, list) else merged
                sequences = self.forward_layer.cell.between(joined, training)
        found: list[Any] = []
        for layer, output, final in zip(layers, outputs, finals, strict=True):
            if layer.stateful:
                layer._carry(final)
            if layer.activity_regularizer is not None:
                layer.add_loss(layer.activity_regularizer(output) / max(batch, 1))
            found.append([output, *layer._shown(final)] if self.return_state else output)
        return found[0], found[1]

    def _merge(self, forward: Tensor, backward: Tensor) -> Any:
        if self.merge_mode == "concat":
            return ops.concatenate([forward, backward], axis=-1)
        if self.merge_mode == "sum":
            return ops.add(forward, backward)
        if self.merge_mode == "ave":
            return ops.multiply(ops.add(forward, backward), 0.5)
        if self.merge_mode == "mul":
            return ops.multiply(forward, backward)
        return [forward, backward]

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states: list[Any] = []
        if self.return_state:
            shape, *states = shape
        if self.merge_mode is None:
            outputs = [shape, shape]
        elif self.merge_mode == "concat":
            outputs = [(*shape[:-1], 2 * shape[-1])]
        else:
            outputs = [shape]
        found = [*outputs, *states, *states]
        return found if len(found) > 1 else found[0]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        if not self.return_sequences:
            mask = None
        outputs = [mask, mask] if self.merge_mode is None else [mask]
        if self.return_state:
            outputs += [None] * (2 * len(self.forward_layer.state_size))
        return outputs if len(outputs) > 1 else outputs[0]

    def reset_states(self) -> None:
        """Forgets the states that both directions carry between batches."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    def reset_state(self) -> None:
        """Forgets the states that both directions carry between batches."""
        self.reset_states()

    @property
    def states(self) -> list[Any] | None:
        """The carried states, forward then backward."""
        forward = getattr(self.forward_layer, "states", None)
        if forward is None:
            return None
        return [*forward, *(self.backward_layer.states or ())]

    @property
    def go_backwards(self) -> bool:
        return bool(self.forward_layer.go_backwards)

    def get_config(self) -> dict[str, Any]:
        from ..saving import serialize_keras_object

        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        from ..saving import deserialize_keras_object

        config = dict(config)
        for key in ("layer", "backward_layer"):
            if isinstance(config.get(key), dict):
                # Only this layer knows what its layers read: it builds them.
                inner = {k: v for k, v in config[key].items() if k != "build_config"}
                config[key] = deserialize_keras_object(inner, custom_objects=custom_objects)
        return cls(**config)
