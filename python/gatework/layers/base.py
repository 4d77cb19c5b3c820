"""Layer: weights, sublayers and a computation."""

from __future__ import annotations

import difflib
import functools
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from .. import tree
from ..autograd import Tensor, Variable, as_tensor, no_recording
from ..utils.naming import auto_name
from .input_spec import InputSpec
from .symbolic import History, KerasTensor

__all__ = ["InputSpec", "Layer"]

DTYPE_POLICY = {
    "module": "keras",
    "class_name": "DTypePolicy",
    "config": {"name": "float32"},
    "registered_name": None,
}


class _CallContext(threading.local):
    """What the outermost call on this thread decided."""

    def __init__(self) -> None:
        self.depth = 0
        self.training = False


_context = _CallContext()


class _CallSignature:
    """Which optional arguments a class's ``call`` takes."""

    __slots__ = ("first", "mask", "training")

    def __init__(self, call: Callable[..., Any]) -> None:
        parameters = inspect.signature(call).parameters
        names = [name for name in parameters if name != "self"]
        self.first = names[0] if names else "inputs"
        self.training = "training" in parameters
        self.mask = "mask" in parameters


@functools.lru_cache(maxsize=None)
def _call_signature(cls: type[Layer]) -> _CallSignature:
    return _CallSignature(cls.call)


class Layer:
    """A computation with weights.

    Subclasses make their weights in ``build(input_shape)`` with ``add_weight``, compute in
    ``call(inputs, ...)``, and describe themselves in ``get_config``. Layers and Variables assigned to
    attributes belong to the layer.

    Args:
        activity_regularizer: regularizer of the outputs.
        trainable: whether the weights are trained.
        dtype: "float32", the compute type.
        autocast: accepted; inputs are always brought to float32.
        name: name; the class's in snake case, numbered, by default.
        input_shape, batch_input_shape, batch_shape: shape of the inputs without or with the batch
            axis, for the first layer of a Sequential.
        batch_size: size of the batch axis that goes with ``input_shape``.
        weights: initial values, set when the layer is built.

    Raises:
        TypeError: for an unknown argument; the message names the nearest known one.
    """

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **legacy: Any,
    ) -> None:
        from .. import regularizers

        set_attribute = object.__setattr__
        set_attribute(self, "_layers", [])
        set_attribute(self, "_own_weights", [])
        if name is not None and (not isinstance(name, str) or not name):
            raise ValueError(f"name must be a non-empty string, not {name!r}")
        self._check_dtype(dtype)
        self.name = name or auto_name(type(self).__name__)
        self.built = False
        self.supports_masking = getattr(type(self), "supports_masking", False)
        self.autocast = bool(autocast)
        self.input_spec: Any = None
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = bool(trainable)
        self._losses: list[Any] = []
        self._inbound: list[Any] = []
        self._build_shape: Any = None
        self._input_shape_arg = _legacy_shape(legacy)
        self._initial_weights = legacy.pop("weights", None)
        if legacy:
            self._refuse_argument(next(iter(legacy)))

    def _check_dtype(self, dtype: Any) -> None:
        if isinstance(dtype, dict):
            dtype = dtype.get("config", {}).get("name")
        name = getattr(dtype, "name", dtype)
        if name is not None and np.dtype(name) != np.float32:
            raise ValueError(f"dtype must be 'float32', not {name!r}")

    def _refuse_argument(self, name: str) -> None:
        known: set[str] = {"name", "trainable", "dtype", "input_shape"}
        for cls in type(self).__mro__[:-1]:
            parameters = inspect.signature(cls.__init__).parameters.values()
            known.update(p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD))
        near = difflib.get_close_matches(name, known - {"self"}, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise TypeError(f"{type(self).__name__} has no argument '{name}'{hint}")

    # --- tracking -----------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Layer, Variable)):
            self._track(value)
        elif isinstance(value, (list, tuple, dict)) and "_layers" in self.__dict__ and value:
            if name not in ("_layers", "_own_weights"):
                for leaf in tree.flatten(value):
                    if isinstance(leaf, Layer):
                        self._track(leaf)
        object.__setattr__(self, name, value)

    def _track(self, value: Layer | Variable) -> None:
        if "_layers" not in self.__dict__:
            raise RuntimeError(
                f"super().__init__() must be called in {type(self).__name__}.__init__ before "
                "layers or variables are assigned"
            )
        owned: list[Any] = self._layers if isinstance(value, Layer) else self._own_weights
        if not any(other is value for other in owned):
            owned.append(value)

    def _flatten_layers(self) -> Iterator[Layer]:
        yield self
        for layer in self._layers:
            yield from layer._flatten_layers()

    # --- weights ------------------------------------------------------------------------------

    def add_weight(
        self,
        shape: Sequence[int] | int | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
        **unused: Any,
    ) -> Variable:
        """Makes a weight.

        Args:
            shape: its shape; () by default.
            initializer: name or function; glorot_uniform for floats by default.
            dtype: float32 by default.
            trainable: whether it is trained.
            regularizer, constraint: applied to it in training.
            name: name within the layer.
        """
        from .. import constraints, initializers, regularizers

        sizes = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        dtype = "float32" if dtype is None else dtype
        if initializer is None:
            initializer = "glorot_uniform" if np.dtype(dtype).kind == "f" else "zeros"
        make = initializers.get(initializer) if not callable(initializer) else initializer
        variable = Variable(
            make, shape=sizes, dtype=dtype, trainable=trainable, name=name or "variable"
        )
        variable.path = f"{self.name}/{variable.name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._track(variable)
        return variable

    @property
    def weights(self) -> list[Variable]:
        """All weights: its own, then those of its sublayers, each once."""
        found: dict[int, Variable] = {}
        for layer in self._flatten_layers():
            for variable in layer._own_weights:
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        if not self._trainable:
            return []
        found: dict[int, Variable] = {}
        for variable in self._own_weights:
            if variable.trainable:
                found.setdefault(id(variable), variable)
        for layer in self._layers:
            for variable in layer.trainable_weights:
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        trainable = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._layers:
            layer.trainable = value

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights' values."""
        return [variable.numpy().copy() for variable in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replaces the values of all weights.

        Raises:
            ValueError: if the number or a shape differs; no weight is changed then.
        """
        variables = self.weights
        values = [np.asarray(w) for w in weights]
        if len(values) != len(variables):
            raise ValueError(
                f"weights of {self.name} must be {len(variables)} arrays, not {len(values)}"
            )
        for variable, value in zip(variables, values, strict=True):
            if value.shape != variable.shape:
                raise ValueError(
                    f"weight '{variable.path}' must have shape {variable.shape}, not {value.shape}"
                )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of values in all weights. Raises ValueError before the layer is built."""
        if not self.built and not self.weights:
            raise ValueError(f"{self.name} must be built to count its parameters: give it an input")
        return sum(variable.size for variable in self.weights)

    # --- building and calling -----------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of that shape. Layers without weights need none."""
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs."""
        raise NotImplementedError(f"{type(self).__name__} must implement call(inputs)")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        signature = _call_signature(type(self))
        if not args and signature.first in kwargs:
            args = (kwargs.pop(signature.first),)
        if not args:
            raise ValueError(f"{self.name} must be called with inputs, not without")
        given = args[0]
        if _has_symbolic(args, kwargs):
            return self._call_symbolic(args, kwargs)
        inputs = _to_tensors(given)
        args = (inputs, *args[1:])
        if not self.built:
            self._build(inputs)
        if self.input_spec is not None:
            self._check_inputs(inputs)
        mask = kwargs.get("mask")
        if mask is None:
            mask = _mask_of(inputs)
            if mask is not None and signature.mask:
                kwargs["mask"] = mask
        elif not signature.mask:
            del kwargs["mask"]
        outermost = _context.depth == 0
        before = _context.training
        training = kwargs.pop("training", None)
        if training is None:
            training = False if outermost else before
        if signature.training:
            kwargs["training"] = bool(training)
        if outermost:
            for layer in self._flatten_layers():
                layer._losses.clear()
        _context.depth += 1
        _context.training = bool(training)
        try:
            outputs = self.call(*args, **kwargs)
        finally:
            _context.depth -= 1
            _context.training = before
        outputs = _to_tensors(outputs)
        self._set_masks(inputs, outputs, mask)
        if self.activity_regularizer is not None:
            for leaf in tree.flatten(outputs):
                self.add_loss(self.activity_regularizer(leaf))
        return outputs

    def _check_inputs(self, inputs: Any) -> None:
        specs = tree.flatten(self.input_spec)
        leaves = tree.flatten(inputs)
        if len(specs) != len(leaves):
            raise ValueError(
                f"{self.name} must be called with {len(specs)} input(s), not {len(leaves)}"
            )
        for spec, leaf in zip(specs, leaves, strict=True):
            spec.check(leaf.shape, self.name)

    def _build(self, inputs: Any) -> None:
        shape = tree.map_structure(_Shape, inputs)
        shape = tree.map_structure(lambda leaf: leaf.sizes, shape)
        if self.input_spec is not None:
            self._check_inputs(inputs)
        self._build_shape = shape
        self.build(shape)
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _set_masks(self, inputs: Any, outputs: Any, mask: Any) -> None:
        if mask is None and type(self).compute_mask is Layer.compute_mask:
            return
        masks = self.compute_mask(inputs, mask)
        if masks is None:
            return
        leaves = tree.flatten(outputs)
        flat = masks if isinstance(masks, (list, tuple)) else [masks]
        for leaf, one in zip(leaves, flat, strict=False):
            if one is not None:
                leaf._keras_mask = one

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the outputs: the inputs' own if the layer supports masking, else none."""
        return previous_mask if self.supports_masking else None

    def _call_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inputs = args[0]
        if not self.built:
            self._build(inputs)
        if self.input_spec is not None:
            self._check_inputs(inputs)
        shape = tree.map_structure(_Shape, inputs)
        shape = tree.map_structure(lambda leaf: leaf.sizes, shape)
        found = self.compute_output_shape(shape)
        dtype = self.compute_output_dtype(inputs)
        index = len(self._inbound)
        self._inbound.append((args, kwargs))
        single = not found or not isinstance(found[0], (list, tuple))
        outputs = []
        for i, sizes in enumerate([found] if single else found):
            out = KerasTensor(sizes, dtype, name=self.name)
            out._keras_history = History(self, index, i)
            outputs.append(out)
        return outputs[0] if single else outputs

    def compute_output_dtype(self, inputs: Any) -> str:
        """The dtype of the outputs."""
        return "float32"

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs, found by running ``call`` on zeros of two batch sizes."""
        shapes = []
        for unknown in (2, 3):
            zeros = tree.map_structure(
                lambda leaf, n=unknown: as_tensor(
                    np.zeros([n if size is None else size for size in leaf.sizes], np.float32)
                ),
                _shapes(input_shape),
            )
            with no_recording():
                out = self(zeros)
            shapes.append(tree.map_structure(lambda t: _Shape(t), out))
        return tree.map_structure(
            lambda a, b: tuple(
                m if m == n else None for m, n in zip(a.sizes, b.sizes, strict=True)
            ),
            *shapes,
        )

    # --- losses -------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar, computed in ``call``, to what is minimised."""
        for leaf in tree.flatten(loss):
            if np.shape(leaf.numpy() if isinstance(leaf, Tensor) else leaf) != ():
                raise ValueError(f"loss must be a scalar, not of shape {np.shape(leaf)}")
            self._losses.append(leaf)

    @property
    def losses(self) -> list[Any]:
        """The losses added in the last call, and the regularizers of the trainable weights."""
        found = [loss for layer in self._flatten_layers() for loss in layer._losses]
        found.extend(
            variable.regularizer(variable)
            for variable in self.trainable_weights
            if variable.regularizer is not None
        )
        return found

    # --- description --------------------------------------------------------------------------

    @property
    def dtype(self) -> str:
        return "float32"

    @property
    def compute_dtype(self) -> str:
        return "float32"

    @property
    def variable_dtype(self) -> str:
        return "float32"

    @property
    def path(self) -> str:
        return self.name

    def get_config(self) -> dict[str, Any]:
        """What is needed to make the layer again, as JSON can hold it.

        Raises:
            NotImplementedError: if a subclass takes arguments of its own and does not say which.
        """
        config = {"name": self.name, "trainable": self._trainable, "dtype": DTYPE_POLICY}
        if type(self).get_config is Layer.get_config:
            own = _own_arguments(type(self))
            if own:
                raise NotImplementedError(
                    f"{type(self).__name__} must implement get_config() to be saved: its arguments "
                    f"{', '.join(own)} are unknown"
                )
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes a layer from what ``get_config`` returned."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape the layer was built with."""
        return None if self._build_shape is None else {"input_shape": self._build_shape}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer with the shape in ``config``."""
        shape = config.get("input_shape")
        if shape is not None and not self.built:
            self._build(tree.map_structure(lambda s: KerasTensor(s.sizes), _shapes(shape)))

    def save_own_variables(self, store: Any) -> None:
        """Writes the layer's own weights into a mapping from name to array."""
        for i, variable in enumerate(self._own_weights):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads what ``save_own_variables`` wrote. Raises ValueError if it does not fit."""
        if len(store) != len(self._own_weights):
            raise ValueError(
                f"layer '{self.name}' must get {len(self._own_weights)} weights, not {len(store)}"
            )
        for i, variable in enumerate(self._own_weights):
            variable.assign(store[str(i)])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


class _Shape:
    """A shape as one leaf of a structure: a plain tuple would be walked into."""

    __slots__ = ("sizes",)

    def __init__(self, source: Any) -> None:
        self.sizes = tuple(getattr(source, "shape", source))


def _shapes(shape: Any) -> Any:
    """A structure of shapes, whose leaves are tuples of sizes, as a structure of ``_Shape``."""
    if isinstance(shape, dict):
        return {key: _shapes(value) for key, value in shape.items()}
    if all(size is None or isinstance(size, (int, np.integer)) for size in shape):
        return _Shape(shape)
    return [_shapes(item) for item in shape]


def _legacy_shape(legacy: dict[str, Any]) -> tuple[int | None, ...] | None:
    """The input shape without the batch axis that old-style arguments give."""
    batch_size = legacy.pop("batch_size", None)
    for key in ("batch_input_shape", "batch_shape"):
        shape = legacy.pop(key, None)
        if shape is not None:
            return tuple(shape)[1:]
    shape = legacy.pop("input_shape", None)
    if shape is None:
        del batch_size  # says nothing without a shape
        return None
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _own_arguments(cls: type[Layer]) -> list[str]:
    own: list[str] = []
    for base in cls.__mro__:
        if base is Layer:
            break
        init = base.__dict__.get("__init__")
        if init is not None:
            own += [
                p.name
                for p in inspect.signature(init).parameters.values()
                if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name not in ("self", "name")
            ]
    return own


def _has_symbolic(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    first = args[0]
    if isinstance(first, (Tensor, np.ndarray)):
        return False
    return any(isinstance(leaf, KerasTensor) for leaf in tree.flatten([args, kwargs]))


def _to_tensors(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x
    if isinstance(x, (list, tuple, dict)) and any(
        isinstance(leaf, (Tensor, np.ndarray)) for leaf in tree.flatten(x)
    ):
        return tree.map_structure(lambda leaf: None if leaf is None else as_tensor(leaf), x)
    return as_tensor(x)


def _mask_of(inputs: Any) -> Any:
    if isinstance(inputs, Tensor):
        return inputs._keras_mask
    masks = [getattr(leaf, "_keras_mask", None) for leaf in tree.flatten(inputs)]
    return masks if any(mask is not None for mask in masks) else None
