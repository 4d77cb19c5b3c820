"""Layer: weights, sublayers and a computation."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from .. import constraints, dtype_policies, initializers, regularizers, tree
from .._suggest import constructor_arguments, suggest
from ..autograd import Tensor, Variable, as_array
from ..ops.precision import precision
from ..utils.naming import auto_name
from .allowance import spend
from .calling import (
    accepted,
    call_signature,
    context,
    fill_masks,
    has_symbolic,
    known_signatures,
    mask_of,
    shapes_for,
    simple_arguments,
    to_tensors,
)
from .input_spec import InputSpec
from .shapes import as_shapes, as_sizes, legacy_shape, shape_of
from .stepping import Stepwise
from .symbolic import Called, KerasTensor, Node, outputs_on_trial
from .weights import WeightOwner

__all__ = ["InputSpec", "Layer", "finishing"]

# Threads that call a new layer at the same time build it once.
_building = threading.RLock()


def finishing(build: Callable[..., Any]) -> Callable[..., Any]:
    """``build``, then what holds for every layer once it is built, however it was built.

    Only the ``build`` of the object's own class finishes: not those it calls through ``super()``.
    """

    @functools.wraps(build)
    def finished(self: Layer, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        if type(self).build is finished:
            self._finish_build(inspect.signature(build).bind(self, *args, **kwargs).arguments)

    return finished


class Layer(Called, Stepwise, WeightOwner):
    """A computation with weights.

    Subclasses make their weights in ``build(input_shape)`` with ``add_weight``, compute in
    ``call(inputs, ...)``, and describe themselves in ``get_config``. Layers and Variables assigned
    to attributes, or put into lists and dictionaries that are attributes, belong to the layer.

    Args:
        activity_regularizer: regularizer of the outputs; its penalty is divided by the batch size.
        trainable: whether the weights are trained.
        dtype: "float32", or "mixed_bfloat16" for products of bfloat16; a DTypePolicy. The global
            policy (``gatework.config.set_dtype_policy``) by default.
        autocast: accepted; inputs are always brought to float32.
        name: name; the class's in snake case, numbered, by default.
        input_shape, batch_input_shape, batch_shape: shape of the inputs without or with the batch
            axis, for the first layer of a Sequential.
        input_dim, input_length: the last axis, and the one before it, of ``input_shape``.
        batch_size: accepted with ``input_shape``; any batch size is good.
        weights: initial values, set when the layer is built.

    Raises:
        TypeError: for an unknown argument; the message names the nearest known one.
        ValueError: for another dtype, or a name that is no string.
    """

    # Whether any layer of this process added a loss: until then no call has one to clear.
    _losses_were_added = False

    # What the constructor was called with, where that is numbers and texts only.
    _simple_arguments: dict[str, Any] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        layer = super().__new__(cls)
        if cls._describes_itself():
            object.__setattr__(layer, "_simple_arguments", simple_arguments(cls, args, kwargs))
        return layer

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
        self._start_tracking()
        if name is not None and (not isinstance(name, str) or not name or "/" in name):
            raise ValueError(f"name must be a non-empty string without '/', not {name!r}")
        self._policy = dtype_policies.get(dtype)
        self._bf16 = self._policy.compute_dtype == "bfloat16"
        self.name = name or auto_name(type(self).__name__)
        self.built = False
        self.supports_masking = bool(getattr(type(self), "supports_masking", False))
        self.autocast = bool(autocast)
        self.input_spec: Any = None
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = bool(trainable)
        self._losses: list[Any] = []
        self._inbound: list[Any] = []
        self._build_shape: Any = None
        self._build_shapes: dict[str, Any] | None = None
        self._input_shape_arg = legacy_shape(legacy)
        self._initial_weights = legacy.pop("weights", None)
        if legacy.pop("quantization_config", None) is not None:
            raise ValueError("quantization_config must be None: layers compute in float32")
        if legacy:
            unknown = next(iter(legacy))
            hint = suggest(unknown, constructor_arguments(type(self), up_to=object))
            raise TypeError(f"{type(self).__name__} has no argument '{unknown}'{hint}")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = finishing(cls.__dict__["build"])  # type: ignore[method-assign]

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
            initializer: name or function; glorot_uniform for floats, zeros for others by default.
            dtype: float32 by default.
            trainable: whether it is trained.
            regularizer, constraint: applied to it in training.
            name: name within the layer.
            unused: other arguments of Keras, which are about devices.
        """
        sizes = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        dtype = "float32" if dtype is None else dtype
        if initializer is None:
            initializer = "glorot_uniform" if np.dtype(dtype).kind == "f" else "zeros"
        name = name or "variable"
        spend(self.name, name, sizes, np.dtype(dtype).itemsize)
        variable = Variable(
            initializers.get(initializer), shape=sizes, dtype=dtype, trainable=trainable, name=name
        )
        variable.path = f"{self.name}/{variable.name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._track(variable)
        return variable

    # --- building -----------------------------------------------------------------------------

    @finishing
    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of that shape. Layers without weights need none."""

    def _finish_build(self, arguments: dict[str, Any]) -> None:
        self.built = True
        shapes = {name: shape for name, shape in arguments.items() if shape is not None}
        shapes.pop("self", None)
        if shapes:
            self._build_shape = next(iter(shapes.values()))
            self._build_shapes = shapes if len(shapes) > 1 else None
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _build(self, *args: Any, **kwargs: Any) -> None:
        with _building:
            if self.input_spec is not None:
                self._check_inputs(args[0])
            if not self.built:
                self.build(*shapes_for(self.build, type(self), args, kwargs))
                self.built = True

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape the layer was built with, or the shapes by the name of ``build``'s argument."""
        if self._build_shapes is not None:
            return {"shapes_dict": self._build_shapes}
        return None if self._build_shape is None else {"input_shape": self._build_shape}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer with the shapes in ``config``."""
        if self.built:
            return
        shapes = config.get("shapes_dict")
        if isinstance(shapes, dict):
            self.build(**{name: as_shapes(shape) for name, shape in shapes.items()})
            return
        shape = config.get("input_shape")
        if shape is not None:
            self._build(tree.map_structure(lambda leaf: KerasTensor(leaf.sizes), as_sizes(shape)))

    # --- calling ------------------------------------------------------------------------------

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs."""
        raise NotImplementedError(f"{type(self).__name__} must implement call(inputs)")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Builds the layer if need be, and calls it.

        ``training`` is that of the layer around this one unless given, and a mask the one that the
        inputs carry; an argument ``query_mask`` gets the one that the argument ``query`` carries.
        """
        cls = type(self)
        signature = known_signatures.get(cls)
        if signature is None or signature.call is not cls.call:
            signature = call_signature(cls)
        if not args:
            if signature.first not in kwargs:
                raise ValueError(f"{self.name} must be called with inputs, not without")
            args = (kwargs.pop(signature.first),)
        inputs = args[0]
        if not isinstance(inputs, Tensor):
            if has_symbolic(args, kwargs):
                return self._call_symbolic(args, kwargs)
            inputs = to_tensors(inputs)
        spec = self.input_spec
        if not self.built:
            self._build(inputs, *args[1:], **kwargs)
        elif spec is not None:
            if type(spec) is not InputSpec or not isinstance(inputs, Tensor):
                self._check_inputs(inputs)
            elif inputs._value.shape != spec.good:
                spec.check(inputs._value.shape, self.name)
        mask = kwargs.pop("mask", None) if kwargs else None
        if mask is None:
            mask = inputs._keras_mask if isinstance(inputs, Tensor) else mask_of(inputs)
        if mask is not None and signature.mask:
            kwargs["mask"] = mask
        if signature.masks:
            fill_masks(signature, args, kwargs)
            mask = kwargs.get(f"{signature.first}_mask", mask)
        around = context.training
        training = kwargs.pop("training", None) if kwargs else None
        if training is None:
            training = signature.training_default if around is None else around
        training = bool(training)
        if signature.training:
            kwargs["training"] = training
        if around is None and Layer._losses_were_added:
            for layer in self._flatten_layers():
                layer._losses.clear()
        # What belongs to a thread takes long to write: inner layers mostly find it as they need it.
        if training is not around:
            context.training = training
        around_bf16, bf16 = precision.bf16, self._bf16
        if bf16 is not around_bf16:
            precision.bf16 = bf16
        try:
            outputs = self.call(inputs, *args[1:], **kwargs)
        finally:
            if training is not around:
                context.training = around
            if bf16 is not around_bf16:
                precision.bf16 = around_bf16
        if not isinstance(outputs, Tensor):
            outputs = to_tensors(outputs)
        if mask is not None or cls.compute_mask is not Layer.compute_mask:
            self._set_masks(inputs, outputs, mask)
        if self.activity_regularizer is not None:
            for leaf in tree.flatten(outputs):
                self.add_loss(self.activity_regularizer(leaf) / max(leaf.shape[0], 1))
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

    def _set_masks(self, inputs: Any, outputs: Any, mask: Any) -> None:
        masks = self.compute_mask(inputs, mask)
        if masks is None:
            return
        flat = masks if isinstance(masks, list | tuple) else [masks]
        for leaf, one in zip(tree.flatten(outputs), flat, strict=False):
            if one is not None:
                leaf._keras_mask = one

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the outputs: the inputs' own if the layer supports masking, else none."""
        return previous_mask if self.supports_masking else None

    def _call_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = self._symbolic_outputs(args, kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def _symbolic_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The shapes and dtypes of the outputs, as symbolic tensors that belong to no graph yet."""
        inputs = args[0]
        if not self.built:
            self._build(inputs, *args[1:], **kwargs)
        elif self.input_spec is not None:
            self._check_inputs(inputs)
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return self._outputs_on_trial(args, kwargs)
        shapes = shapes_for(self.compute_output_shape, type(self), args, kwargs)
        dtype = self.compute_output_dtype(inputs)
        return tree.map_structure(
            lambda leaf: KerasTensor(leaf.sizes, dtype, self.name),
            as_sizes(self.compute_output_shape(*shapes)),
        )

    def _outputs_on_trial(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kept = {id(layer): list(layer._losses) for layer in self._flatten_layers()}
        try:
            return outputs_on_trial(self, args, kwargs, self.name)
        finally:
            for layer in self._flatten_layers():
                layer._losses[:] = kept.get(id(layer), [])

    def compute_output_dtype(self, inputs: Any) -> str:
        """The dtype of the outputs."""
        return "float32"

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs, found by running ``call`` on zeros of two sizes.

        What differs between the two depends on sizes that are unknown, and is so itself.
        """
        inputs = tree.map_structure(lambda leaf: KerasTensor(leaf.sizes), as_sizes(input_shape))
        return shape_of(self._outputs_on_trial((inputs,), {}))

    # --- losses -------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar, computed in ``call``, to what is minimised.

        Raises:
            ValueError: if it is no scalar.
        """
        for leaf in tree.flatten(loss):
            shape = as_array(leaf).shape
            if shape != ():
                raise ValueError(f"loss must be a scalar, not of shape {shape}")
            self._losses.append(leaf)
            Layer._losses_were_added = True

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
    def dtype_policy(self) -> dtype_policies.DTypePolicy:
        """What the layer computes in; assigning changes it."""
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, policy: Any) -> None:
        self._policy = dtype_policies.get(policy)
        self._bf16 = self._policy.compute_dtype == "bfloat16"

    @property
    def compute_dtype(self) -> str:
        return self._policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return "float32"

    @property
    def path(self) -> str:
        return self.name

    def get_config(self) -> dict[str, Any]:
        """What is needed to make the layer again, as JSON can hold it.

        Arguments that are numbers and texts are known by themselves.

        Raises:
            NotImplementedError: if a subclass takes other arguments and does not say which.
        """
        policy = {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": self._policy.get_config(),
            "registered_name": None,
        }
        config = {"name": self.name, "trainable": self._trainable, "dtype": policy}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if self._describes_itself():
            if self._simple_arguments is not None:
                return accepted(type(self), {**self._simple_arguments, **config})
            own = [n for n in constructor_arguments(type(self), up_to=Layer) if n not in config]
            if own:
                raise NotImplementedError(
                    f"{type(self).__name__} must implement get_config() to be saved: its arguments "
                    f"{', '.join(own)} are not all numbers and texts"
                )
        return config

    @classmethod
    def _describes_itself(cls) -> bool:
        """Whether the configuration is made here, from the arguments of the constructor."""
        return cls.get_config is Layer.get_config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes a layer from what ``get_config`` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"
