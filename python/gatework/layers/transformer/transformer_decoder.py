"""A block of a decoder."""

from __future__ import annotations

from typing import Any

from ...autograd import Array, Tensor, as_tensor
from ..calling import given_to
from ..regularization import Dropout
from ..stepping import Steady, not_stepwise
from ..symbolic import KerasTensor
from .block import TransformerBlock
from .cached_multi_head_attention import CachedMultiHeadAttention
from .keras_hub import of_keras_hub
from .masks import merged_mask

__all__ = ["TransformerDecoder"]

_OF_A_STEP = ("decoder_sequence", "training")


@of_keras_hub
class TransformerDecoder(TransformerBlock):
    """Causal self-attention, attention to an encoder's outputs if there is one, and a feed-forward
    network, each added to its inputs and normalized (Vaswani et al. 2017). Name, arguments and
    weights are those of KerasHub.

    Called as ``layer(decoder_sequence)`` it makes no cross-attention (as in GPT-2), called as
    ``layer(decoder_sequence, encoder_sequence)`` it does; every later call must be of the same
    kind. Further arguments of the call:

    - ``decoder_padding_mask``, ``encoder_padding_mask`` (batch, time): true where a step is no
      padding, in place of the masks that the sequences carry. With a cache, that of the decoder has
      the length of the cache.
    - ``decoder_attention_mask`` (batch, time, keys), ``encoder_attention_mask`` (batch, time,
      encoder's time): true where a step may attend to another.
    - ``self_attention_cache`` (batch, 2, longest, heads, features // heads): keys and values of the
      steps before, for generation. ``self_attention_cache_update_index``: where this call's go,
      which is the number of steps before; a whole number, or one for each row of the batch.
    - ``cross_attention_cache`` (batch, 2, encoder's time, heads, features // heads);
      ``cross_attention_cache_update_index``: 0 to fill it, None to use it as it is.
    - ``use_causal_mask``: no step attends to later ones, as is the default.

    Returns (batch, time, features); with a ``self_attention_cache`` a tuple of this, the cache
    and, with cross-attention, the other cache. Caches that are ``Variable`` are written to in
    place, see ``CachedMultiHeadAttention``.

    Args:
        intermediate_dim: size of the feed-forward network.
        num_heads: number of heads; each has features // num_heads units.
        dropout: the share dropped of scores, of what attention found, and of what the network
            found, in training.
        activation: of the network, name or function.
        layer_norm_epsilon: epsilon of the normalizations.
        kernel_initializer, bias_initializer: of all projections.
        normalize_first: the inputs of all parts are normalized, as in GPT-2, not their sums.
        feedforward_gate: the network's hidden units are multiplied by the activation of a product
            of their own (Shazeer 2020): SwiGLU, as in Llama, with ``activation="silu"``, GEGLU with
            "gelu". KerasHub's blocks have none.

    Raises:
        ValueError: if a size is no positive integer, a share is not in [0, 1], a shape does not
            fit, or an encoder's sequence or a cache is missing or too much; the message names it.
    """

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        dropout: float = 0,
        activation: Any = "relu",
        layer_norm_epsilon: float = 1e-05,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        normalize_first: bool = False,
        feedforward_gate: bool = False,
        **kwargs: Any,
    ) -> None:
        # What files hold, so that the layer is built as soon as it is made.
        decoder_shape = kwargs.pop("decoder_sequence_shape", None)
        encoder_shape = kwargs.pop("encoder_sequence_shape", None)
        super().__init__(
            intermediate_dim,
            num_heads,
            dropout,
            activation,
            layer_norm_epsilon,
            kernel_initializer,
            bias_initializer,
            normalize_first,
            feedforward_gate,
            **kwargs,
        )
        self._cross_attention_layer: CachedMultiHeadAttention | None = None
        self._decoder_sequence_shape: Any = None
        self._encoder_sequence_shape: Any = None
        if decoder_shape is not None:
            self.build(
                tuple(decoder_shape), None if encoder_shape is None else tuple(encoder_shape)
            )

    def build(self, decoder_sequence_shape: Any, encoder_sequence_shape: Any = None) -> None:
        shape = decoder_sequence_shape
        self._decoder_sequence_shape = shape
        self._encoder_sequence_shape = encoder_sequence_shape
        self._self_attention_layer = self._attention("self_attention", shape, shape)
        self._self_attention_layer_norm = self._normalization("self_attention_layer_norm", shape)
        self._self_attention_dropout = Dropout(self.dropout, name="self_attention_dropout")
        if encoder_sequence_shape is not None:
            self._cross_attention_layer = self._attention(
                "cross_attention", shape, encoder_sequence_shape
            )
            self._cross_attention_layer_norm = self._normalization(
                "cross_attention_layer_norm", shape
            )
            self._cross_attention_dropout = Dropout(self.dropout, name="cross_attention_dropout")
        self._build_feedforward(shape)
        self._feedforward_layer_norm = self._normalization("feedforward_layer_norm", shape)
        self.built = True

    def _attention(self, name: str, shape: Any, keys: Any) -> CachedMultiHeadAttention:
        layer = CachedMultiHeadAttention(
            self.num_heads,
            self._head_size(shape),
            dropout=self.dropout,
            name=name,
            **self._of_projections(),
        )
        layer.build(shape, keys)
        return layer

    def call(
        self,
        decoder_sequence: Any,
        encoder_sequence: Any = None,
        decoder_padding_mask: Any = None,
        decoder_attention_mask: Any = None,
        encoder_padding_mask: Any = None,
        encoder_attention_mask: Any = None,
        self_attention_cache: Any = None,
        self_attention_cache_update_index: Any = None,
        cross_attention_cache: Any = None,
        cross_attention_cache_update_index: Any = None,
        use_causal_mask: bool = True,
        training: bool = False,
    ) -> Any:
        self._check_call(encoder_sequence, self_attention_cache, cross_attention_cache)
        x = as_tensor(decoder_sequence)
        mask = merged_mask(x, decoder_padding_mask, decoder_attention_mask, "decoder_")
        if mask is not None and self_attention_cache is not None:
            _check_length(mask, self_attention_cache.shape[2])
        inner = self._self_attention_layer_norm(x) if self.normalize_first else x
        found, own = _apart(
            self._self_attention_layer(
                inner,
                inner,
                attention_mask=mask,
                cache=self_attention_cache,
                cache_update_index=self_attention_cache_update_index,
                use_causal_mask=use_causal_mask,
            )
        )
        x = self._joined(x, found, self._self_attention_dropout, self._self_attention_layer_norm)
        cross = None
        if self._cross_attention_layer is not None:
            encoded = as_tensor(encoder_sequence)
            inner = self._cross_attention_layer_norm(x) if self.normalize_first else x
            found, cross = _apart(
                self._cross_attention_layer(
                    inner,
                    encoded,
                    attention_mask=merged_mask(
                        encoded, encoder_padding_mask, encoder_attention_mask, "encoder_"
                    ),
                    cache=cross_attention_cache,
                    cache_update_index=cross_attention_cache_update_index,
                )
            )
            x = self._joined(
                x, found, self._cross_attention_dropout, self._cross_attention_layer_norm
            )
        caches = [cache for cache in (own, cross) if cache is not None]
        outputs = self._feedforward(x)
        return (outputs, *caches) if caches else outputs

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        super().initial_cache(batch_size, max_length)
        layers = [self._self_attention_layer, self._cross_attention_layer]
        return [
            None if one is None else one.initial_cache(batch_size, max_length) for one in layers
        ]

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        """The next steps, (batch, steps, features), with keys and values of those before, and of a
        steady ``encoder_sequence``."""
        given = given_to(type(self), (inputs, *args), kwargs)
        if not given.pop("use_causal_mask", True):
            raise not_stepwise(self, "without use_causal_mask it attends to later steps")
        encoded = given.pop("encoder_sequence", None)
        padding = given.pop("encoder_padding_mask", None)
        self._check_call(encoded, None, None)
        if any(one is not None and not isinstance(one, Steady) for one in (encoded, padding)):
            raise not_stepwise(self, "its encoder_sequence is computed from the same sequence")
        others = [n for n, v in given.items() if n not in _OF_A_STEP and v is not None]
        if others:
            raise not_stepwise(self, f"it is called with {', '.join(others)}")
        x = as_tensor(inputs)
        inner = self._self_attention_layer_norm(x) if self.normalize_first else x
        found, _ = self._self_attention_layer.call_with_cache(
            inner, cache[0], inner, use_causal_mask=True
        )
        joined = self._joined(
            x, found, self._self_attention_dropout, self._self_attention_layer_norm
        )
        if self._cross_attention_layer is not None:
            inner = self._cross_attention_layer_norm(joined) if self.normalize_first else joined
            real = merged_mask(encoded, padding, None, "encoder_")
            found = self._cross_attention_layer.attend_to_steady(
                inner, cache[1], encoded, None, None if real is None else real[:, 0]
            )
            joined = self._joined(
                joined, found, self._cross_attention_dropout, self._cross_attention_layer_norm
            )
        outputs = self._feedforward(joined)
        outputs._keras_mask = x._keras_mask
        return outputs, cache

    def _check_call(self, encoded: Any, own: Any, cross: Any) -> None:
        crosses = self._cross_attention_layer is not None
        if crosses != (encoded is not None):
            rule = "given, as when the layer was built" if crosses else "left out: it was built so"
            raise ValueError(f"encoder_sequence of {self.name} must be {rule}")
        if crosses and (own is None) != (cross is None):
            raise ValueError(
                "self_attention_cache and cross_attention_cache must both be given or both be None"
            )
        if not crosses and cross is not None:
            raise ValueError(f"cross_attention_cache must be None: {self.name} has no such part")

    def compute_output_shape(self, decoder_sequence_shape: Any) -> Any:
        return tuple(decoder_sequence_shape)

    def _symbolic_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = super()._symbolic_outputs(args, kwargs)
        given = given_to(type(self), args, kwargs)
        own, cross = given.get("self_attention_cache"), given.get("cross_attention_cache")
        self._check_call(given.get("encoder_sequence"), own, cross)
        caches = [
            KerasTensor(cache.shape, "float32", self.name)
            for cache in (own, cross)
            if cache is not None
        ]
        return (outputs, *caches) if caches else outputs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "decoder_sequence_shape": self._decoder_sequence_shape,
            "encoder_sequence_shape": self._encoder_sequence_shape,
        }


def _apart(found: Any) -> tuple[Tensor, Any]:
    """The outputs of attention, and its cache or None."""
    return found if isinstance(found, tuple) else (found, None)


def _check_length(mask: Array, longest: int) -> None:
    if mask.shape[-1] not in (1, longest):
        raise ValueError(
            f"decoder_padding_mask must have the length of self_attention_cache, {longest}, "
            f"not {mask.shape[-1]}"
        )
