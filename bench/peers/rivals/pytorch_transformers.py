"""PyTorch's Transformers: its own layers and its fused attention, and a small GPT by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from bench.peers import transformer_problems as problems
from bench.peers.problems import Array
from bench.peers.rivals import torch_pass
from bench.peers.task import Task, fastest
from bench.transformers import Attention, Gpt, Layer


def to_torch(weights: list[Array]) -> list[torch.Tensor]:
    """Weights of a block, or of attention alone, in the order of PyTorch's parameters."""
    width = weights[0].shape[0]
    kernels = [kernel.reshape(width, width).T for kernel in weights[:6:2]]
    parts = [np.concatenate(kernels), np.concatenate([b.reshape(width) for b in weights[1:6:2]])]
    parts += [weights[6].reshape(width, width).T, weights[7]]
    if len(weights) > 8:
        gamma1, beta1, gamma2, beta2, inner, inner_bias, outer, outer_bias = weights[8:]
        parts += [inner.T, inner_bias, outer.T, outer_bias, gamma1, beta1, gamma2, beta2]
    return [torch.tensor(np.ascontiguousarray(part)) for part in parts]


def to_keras(gradients: list[Array], heads: int) -> list[Array]:
    """The way back."""
    joined, joined_bias, output, output_bias, *others = gradients
    width = output.shape[0]
    found = []
    for kernel, bias in zip(np.split(joined, 3), np.split(joined_bias, 3), strict=True):
        found += [kernel.T.reshape(width, heads, -1), bias.reshape(heads, -1)]
    found += [output.T.reshape(heads, -1, width), output_bias]
    if others:
        inner, inner_bias, outer, outer_bias, *normalizations = others
        found += [*normalizations, inner.T, inner_bias, outer.T, outer_bias]
    return found


class SelfAttention(nn.MultiheadAttention):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x, x, x, need_weights=False)[0]


def layer(w: Layer) -> Task:
    x, dy, weights = problems.layer(w)
    if w.hidden:
        made: nn.Module = nn.TransformerEncoderLayer(
            w.width, w.heads, w.hidden, dropout=0.0, batch_first=True
        )
    else:
        made = SelfAttention(w.width, w.heads, batch_first=True)
    with torch.no_grad():
        for parameter, value in zip(made.parameters(), to_torch(weights), strict=True):
            parameter.copy_(value)
    inputs, gradient = torch.tensor(x), torch.tensor(dy)
    if not w.bf16:
        return layer_task(w, made, inputs, gradient, autocast=False)
    rounded = [t.to(torch.bfloat16) for t in (inputs, gradient)]
    forms = {"autocast": layer_task(w, made, inputs, gradient, autocast=True)}
    if not w.train:  # its weights would be rounded, too
        import copy

        low = copy.deepcopy(made).to(torch.bfloat16)
        forms["bfloat16"] = layer_task(w, low, *rounded, autocast=False)
    return fastest(forms)


def layer_task(
    w: Layer, made: nn.Module, x: torch.Tensor, dy: torch.Tensor, autocast: bool
) -> Task:
    if not w.train:
        return Task(torch_pass.infer(made, x, autocast), lambda y: [y.float().numpy()])

    def answer(result: Any) -> list[Array]:
        y, (dx, *rest) = result
        dweights = to_keras([g.float().numpy() for g in rest], w.heads)
        return problems.answer(y.detach().float().numpy(), dx.float().numpy(), dweights)

    return Task(torch_pass.train(made, x, dy, autocast), answer)


def attention(w: Attention) -> Task:
    """Heads before time, as it wants them."""
    given = [torch.tensor(a.swapaxes(1, 2).copy()) for a in problems.attention(w)]
    *inputs, dy = given

    def ours(x: torch.Tensor) -> Array:
        return x.detach().numpy().swapaxes(1, 2)

    if not w.train:

        def infer() -> Any:
            with torch.inference_mode():
                return F.scaled_dot_product_attention(*inputs, is_causal=True)

        return Task(infer, lambda y: [ours(y)])
    for x in inputs:
        x.requires_grad_()

    def train() -> Any:
        y = F.scaled_dot_product_attention(*inputs, is_causal=True)
        return y, torch.autograd.grad(y, inputs, dy)

    return Task(train, lambda result: [ours(result[0]), *map(ours, result[1])])


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, cache: torch.Tensor | None = None, at: int = 0) -> Any:
        """``cache`` (2, B, H, T, size) receives keys and values from step ``at`` on."""
        batch, time, width = x.shape
        parts = self.project(self.norm1(x)).view(batch, time, 3, self.heads, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        if cache is not None:
            cache[0][:, :, at : at + time], cache[1][:, :, at : at + time] = k, v
            k, v = cache[0][:, :, : at + time], cache[1][:, :, : at + time]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)
        x = x + self.output(y.transpose(1, 2).reshape(batch, time, width))
        return x + self.outer(F.gelu(self.inner(self.norm2(x))))


class Model(nn.Module):
    def __init__(self, w: Gpt) -> None:
        super().__init__()
        self.tokens = nn.Embedding(w.words, w.width)
        self.positions = nn.Embedding(w.time, w.width)
        self.blocks = nn.ModuleList(Block(w.width, w.heads) for _ in range(w.layers))
        self.norm = nn.LayerNorm(w.width)

    def forward(self, ids: torch.Tensor, caches: Any = None, at: int = 0) -> torch.Tensor:
        x = self.tokens(ids) + self.positions.weight[at : at + ids.shape[1]]
        for i, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[i], at)
        return F.linear(self.norm(x), self.tokens.weight)


def gpt(w: Gpt) -> Task:
    model = Model(w)
    if w.train:
        given = [(torch.tensor(x).long(), torch.tensor(y).long()) for x, y in problems.batches(w)]
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3)

        def steps() -> None:
            for x, y in given:
                optimizer.zero_grad()
                F.cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()

        return Task(steps, per=w.steps, form="by hand")
    caches = torch.zeros(w.layers, 2, w.batch, w.heads, w.time, w.width // w.heads)

    def write() -> Any:
        with torch.inference_mode():
            found = [torch.zeros(w.batch, 1, dtype=torch.long)]
            for at in range(w.time - 1):
                found.append(model(found[-1], caches, at)[:, -1:].argmax(-1))
            return torch.cat(found, 1)

    return Task(write, per=w.time - 1, form="cache loop by hand")


TASKS = {Layer: layer, Attention: attention, Gpt: gpt}
