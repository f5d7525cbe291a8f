"""Softmax attention without an N x N matrix, by the fastest way that the machine and the call allow."""

import math
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core.regions import ceil_div
from foveate.models.attention_gradient import attend_for_training
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


def _attend_in_chunks(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    batch, heads, n, _ = query.shape
    chunk = ceil_div(n, max(1, round(n * key.shape[2] / SCORES_AT_ONCE)))
    out = value.new_empty(batch, heads, n, value.shape[-1])
    jobs = list(product(range(batch), range(heads), range(0, n, chunk)))
    powers = _powers_are_in_range(query, key)
    if powers:
        query = query * LOG2_E

    def work(index: int, count: int) -> None:
        scores = query.new_empty(chunk, key.shape[2])
        for b, h, start in jobs[index::count]:
            part, target = query[b, h, start : start + chunk], out[b, h, start : start + chunk]
            weights = torch.mm(part, key[b, h].t(), out=scores[: len(part)])
            if powers:
                torch.exp2(weights, out=weights)
            else:
                torch.softmax(weights, dim=-1, out=weights)
            torch.mm(weights, value[b, h], out=target)
            if powers:
                target /= weights.sum(dim=-1, keepdim=True)

    in_threads(work, on=query.device)
    return out


def _powers_are_in_range(query: Tensor, key: Tensor) -> bool:
    """Whether no exp(score) can overflow or vanish, by the Cauchy-Schwarz bound: then softmax needs no centring."""
    longest = [torch.linalg.vector_norm(x, dim=-1).amax(dim=-1) for x in (query, key)]
    return bool((longest[0] * longest[1]).amax() < LARGEST_SCORE)


def attend_windows(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`softmax(q k^T) v` inside windows: `(windows * heads, tokens, dim)`, the scale already in the query."""
    if query.device.type != "cpu":
        return attend(query[:, None], key[:, None], value[:, None])[:, 0]
    if torch.is_grad_enabled():
        return attend_for_training(query, key, value)
    return torch.bmm(torch.bmm(query, key.transpose(1, 2)).softmax(dim=-1), value)
