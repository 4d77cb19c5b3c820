"""The options that every optimizer shares, checked once."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable
from typing import Any

from .._suggest import constructor_arguments, suggest
from ..autograd import Variable

_NAMES = (
    "weight_decay",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
)


class UpdateOptions:
    """Holds the shared options; see `Optimizer` for what each does."""

    def __init__(
        self,
        weight_decay: float | None,
        clipnorm: float | None,
        clipvalue: float | None,
        global_clipnorm: float | None,
        use_ema: bool,
        ema_momentum: float,
        ema_overwrite_frequency: int | None,
        loss_scale_factor: float | None,
        gradient_accumulation_steps: int | None,
        name: str | None,
        **unknown: Any,
    ) -> None:
        if unknown.pop("decay", None):
            warnings.warn(
                "decay is ignored: give learning_rate a schedule such as InverseTimeDecay",
                stacklevel=4,
            )
        if unknown:
            misspelt = next(iter(unknown))
            hint = suggest(misspelt, constructor_arguments(type(self), up_to=object))
            raise ValueError(f"{type(self).__name__} has no argument {misspelt!r}{hint}")
        if name is None:
            from ..utils.naming import auto_name

            name = auto_name(type(self).__name__)
        given = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        chosen = [key for key, value in given.items() if value is not None]
        if len(chosen) > 1:
            raise ValueError(
                "only one of clipnorm, clipvalue and global_clipnorm must be set, "
                f"not {' and '.join(chosen)}"
            )
        for key in chosen:
            if isinstance(given[key], str) or not given[key] >= 0:  # type: ignore[operator]
                raise ValueError(f"{key} must be a number >= 0, not {given[key]!r}")
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError(f"ema_momentum must be in [0, 1], not {ema_momentum!r}")
        every = ema_overwrite_frequency
        if use_ema and every is not None and (not isinstance(every, int) or every < 1):
            raise ValueError(f"ema_overwrite_frequency must be an integer >= 1, not {every!r}")
        steps = gradient_accumulation_steps
        if steps is not None and (not isinstance(steps, int) or steps < 2):
            raise ValueError(f"gradient_accumulation_steps must be an integer >= 2, not {steps!r}")
        if loss_scale_factor is not None and not loss_scale_factor > 0:
            raise ValueError(f"loss_scale_factor must be > 0, not {loss_scale_factor!r}")
        self.name = name
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.built = False
        self._no_decay: set[int] = set()
        self._no_decay_pattern: re.Pattern[str] | None = None

    @staticmethod
    def _checked_rate(value: Any) -> float:
        if isinstance(value, bool | str) or value is None:
            raise ValueError(
                "learning_rate must be a float, a LearningRateSchedule or a function, "
                f"not {value!r}"
            )
        rate = float(value)
        if not math.isfinite(rate) or rate < 0:
            raise ValueError(f"learning_rate must be a finite number >= 0, not {rate!r}")
        return rate

    def options(self) -> dict[str, Any]:
        """The shared options as they appear in a config."""
        return {name: getattr(self, name) for name in _NAMES}

    def scale_loss(self, loss: Any) -> Any:
        """Multiplies the loss by `loss_scale_factor` before gradients are taken."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Spares variables, given themselves or by parts of their names, from weight decay.

        Raises:
            ValueError: when the optimizer is built already.
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay must be called before the first update")
        self._no_decay = {id(variable) for variable in var_list or ()}
        names = sorted(set(var_names or ()))
        self._no_decay_pattern = re.compile("|".join(names)) if names else None

    def _decays(self, variable: Variable) -> bool:
        if id(variable) in self._no_decay:
            return False
        pattern = self._no_decay_pattern
        return pattern is None or pattern.search(variable.name) is None
