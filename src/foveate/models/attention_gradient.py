"""Softmax attention with a hand-written backward, by plain batched products.

On a CPU the backward of torch's fused attention takes five times as long as the products that it is made of
(docs/log.md), and training on region-sized crops spends a quarter of its time there.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable

MOST_WEIGHTS = 2**26
"""Attention weights that are kept for the backward of one call; more are made again there, a part at a time."""


def attend_for_training(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`softmax(q k^T) v` for `(n, tokens, dim)`, differentiable once; the scale is already in the query.

    The last dimension of `value` may be another than that of query and key.
    """
    result: Tensor = _Attention.apply(query, key, value)  # type: ignore[no-untyped-call]
    return result


class _Attention(Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        kept = len(query) * query.shape[1] * key.shape[1] <= MOST_WEIGHTS
        if kept:
            weights = _weights(query, key)
            ctx.save_for_backward(query, key, value, weights)
            return torch.bmm(weights, value)
        ctx.save_for_backward(query, key, value)
        return torch.cat([torch.bmm(_weights(q, k), v) for q, k, v in _parts(query, key, value)])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value, *weights = ctx.saved_tensors
        if weights:
            return _gradients(query, key, value, weights[0], upstream)
        parts = [_gradients(q, k, v, _weights(q, k), g) for q, k, v, g in _parts(query, key, value, upstream)]
        grad_query, grad_key, grad_value = (torch.cat(grads) for grads in zip(*parts, strict=True))
        return grad_query, grad_key, grad_value


def _weights(query: Tensor, key: Tensor) -> Tensor:
    return torch.bmm(query, key.transpose(1, 2)).softmax(dim=-1)


def _parts(*tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """The same tensors, one entry of the first dimension at a time."""
    return list(zip(*(torch.split(tensor, 1) for tensor in tensors), strict=True))


def _gradients(
    query: Tensor, key: Tensor, value: Tensor, weights: Tensor, upstream: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of query, key and value by the chain rule; softmax's is w * (g - sum(w * g))."""
    grad_value = torch.bmm(weights.transpose(1, 2), upstream)
    grad_weights = torch.bmm(upstream, value.transpose(1, 2))
    grad_scores = torch._softmax_backward_data(grad_weights, weights, -1, weights.dtype)  # noqa: SLF001
    return torch.bmm(grad_scores, key), torch.bmm(grad_scores.transpose(1, 2), query), grad_value
