"""One pass of a PyTorch module: forward alone, or with the gradients of x and of its weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def infer(module: nn.Module, x: torch.Tensor, autocast: bool) -> Callable[[], Any]:
    """What the module returns, in evaluation."""
    module.eval()

    def call() -> Any:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            return module(x)

    return call


def train(
    module: nn.Module,
    x: torch.Tensor,
    dy: torch.Tensor,
    autocast: bool,
    output: Callable[[Any], torch.Tensor] = lambda y: y,
) -> Callable[[], Any]:
    """The output, and the gradients of x and of the parameters for its gradient dy."""
    x.requires_grad_()
    parameters = list(module.parameters())

    def call() -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            y = output(module(x))
        return y, torch.autograd.grad(y, [x, *parameters], dy.to(y.dtype))

    return call
