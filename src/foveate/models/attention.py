"""Softmax attention without an N x N matrix, by the fastest way that the machine and the call allow."""

import math
from collections.abc import Sequence
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core.regions import ceil_div
from foveate.models.attention_gradient import attend_for_training
from foveate.models.relative_bias import RelativeBias
from foveate.models.threads import in_threads

SCORES_AT_ONCE = 3 * 2**19
"""Scores that a thread holds at a time: 3 MiB in bf16, which stay in cache (docs/log.md)."""

SMALL_SCORES = 2**14
"""Scores of a head up to which all heads of a batch are one product (docs/log.md)."""

LOG2_E = math.log2(math.e)
LARGEST_SCORE = 60.0
"""exp(-60), and sums of exp(60) over any number of tokens, lie well inside the range of bf16."""


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`softmax(q k^T) v` for `(batch, heads, n, dim)`; the scale is already in the query.

    The head dimension of `value` may be smaller than that of query and key. On a CPU without gradients, bf16
    matrix products run several times faster than fused attention, so scores are made in chunks of queries.
    """
    if _chunks_pay(query):
        if query.shape[2] * key.shape[2] <= SMALL_SCORES:
            parts = (x.flatten(0, 1) for x in (query, key, value))
            return attend_windows(*parts).reshape(*query.shape[:3], value.shape[-1])
        return _attend_in_chunks(query, key, value)
    if query.device.type == "cpu" and torch.is_grad_enabled():
        attended = attend_for_training(query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1))
        return attended.reshape(*query.shape[:3], value.shape[-1])
    missing = query.shape[-1] - value.shape[-1]
    if not missing:
        return F.scaled_dot_product_attention(query, key, value, scale=1.0)
    out = F.scaled_dot_product_attention(query, key, F.pad(value, (0, missing)), scale=1.0)
    return out[..., : value.shape[-1]]


def _chunks_pay(query: Tensor) -> bool:
    return query.device.type == "cpu" and query.dtype == torch.bfloat16 and not torch.is_grad_enabled()


def biases_pay(query: Tensor) -> bool:
    """Whether `attend_with_bias` is the way for relative positions: on a CPU, without gradients."""
    return query.device.type == "cpu" and not torch.is_grad_enabled()


def attend_with_bias(query: Tensor, key: Tensor, value: Tensor, biases: Sequence[RelativeBias]) -> Tensor:
    """`softmax(q k^T + bias) v` for `(batch, heads, n, dim)` on a CPU, without gradients; one bias per frame.

    The scale is already in the query.
    """
    key, value = (
        torch.stack([frame.index_select(1, bias.order) for frame, bias in zip(part, biases, strict=True)])
        for part in (key, value)
    )
    return _attend_in_chunks(query, key, value, biases)


def _attend_in_chunks(query: Tensor, key: Tensor, value: Tensor, biases: Sequence[RelativeBias] = ()) -> Tensor:
    batch, heads, n, _ = query.shape
    chunk = ceil_div(n, max(1, round(n * key.shape[2] / SCORES_AT_ONCE)))
    out = value.new_empty(batch, heads, n, value.shape[-1])
    jobs = list(product(range(batch), range(heads), range(0, n, chunk)))
    fused = bool(biases) and query.dtype != torch.bfloat16
    powers = not fused and _powers_are_in_range(query, key, biases)
    if powers:
        query, biases = query * LOG2_E, [bias.scaled(LOG2_E) for bias in biases]

    def work(index: int, count: int) -> None:
        memory = query.new_empty(chunk, key.shape[2])
        for b, h, start in jobs[index::count]:
            part, target = query[b, h, start : start + chunk], out[b, h, start : start + chunk]
            scores = memory[: len(part)]
            if biases:
                biases[b].write(h, slice(start, start + len(part)), scores)
            if fused:
                target.copy_(_fused(part, key[b, h], value[b, h], scores))
                continue
            if biases:
                scores.addmm_(part, key[b, h].t())
            else:
                torch.mm(part, key[b, h].t(), out=scores)
            _weigh(scores, value[b, h], out=target, powers=powers)

    in_threads(work, on=query.device)
    return out


def _weigh(scores: Tensor, value: Tensor, *, out: Tensor, powers: bool) -> None:
    """`softmax(scores) v`, or the same of scores that are powers of 2 in range; overwrites them."""
    if powers:
        torch.mm(torch.exp2(scores, out=scores), value, out=out)
        out /= scores.sum(dim=-1, keepdim=True)
    else:
        torch.mm(torch.softmax(scores, dim=-1, out=scores), value, out=out)


def _fused(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Torch's own attention of `(n, dim)`, which in float32 is faster than products one by one (docs/log.md)."""
    query, key, value, bias = (part[None, None] for part in (query, key, value, bias))
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=1.0)[0, 0]


def _powers_are_in_range(query: Tensor, key: Tensor, biases: Sequence[RelativeBias]) -> bool:
    """Whether no exp(score) can overflow or vanish, by the Cauchy-Schwarz bound: then softmax needs no centring."""
    longest = [torch.linalg.vector_norm(x, dim=-1).amax(dim=-1) for x in (query, key)]
    largest_bias = max((bias.largest() for bias in biases), default=0.0)
    return float((longest[0] * longest[1]).amax()) + largest_bias < LARGEST_SCORE


def attend_windows(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`softmax(q k^T) v` inside windows: `(windows * heads, tokens, dim)`, the scale already in the query."""
    if query.device.type != "cpu":
        return attend(query[:, None], key[:, None], value[:, None])[:, 0]
    if torch.is_grad_enabled():
        return attend_for_training(query, key, value)
    return torch.bmm(torch.bmm(query, key.transpose(1, 2)).softmax(dim=-1), value)
