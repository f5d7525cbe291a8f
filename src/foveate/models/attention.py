"""Softmax attention without an N x N matrix, by the fastest way that the machine and the call allow."""

import torch
import torch.nn.functional as F
from torch import Tensor

QUERY_CHUNK = 256
"""Queries whose scores are held at once; 256 x 8,160 bf16 scores stay in cache (docs/log.md)."""


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`softmax(q k^T) v` for `(batch, heads, n, dim)`; the scale is already in the query.

    The head dimension of `value` may be smaller than that of query and key. On a CPU without gradients, bf16
    matrix products run several times faster than fused attention, so scores are made in chunks of queries.
    """
    if _chunks_pay(query):
        return _attend_in_chunks(query, key, value)
    missing = query.shape[-1] - value.shape[-1]
    padded = F.pad(value, (0, missing)) if missing else value
    out = F.scaled_dot_product_attention(query, key, padded, scale=1.0)
    return out[..., : value.shape[-1]]


def _chunks_pay(query: Tensor) -> bool:
    return query.device.type == "cpu" and query.dtype == torch.bfloat16 and not torch.is_grad_enabled()


def _attend_in_chunks(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    batch, heads, n, _ = query.shape
    out = value.new_empty(batch, heads, n, value.shape[-1])
    scores = query.new_empty(min(QUERY_CHUNK, n), key.shape[2])
    shares = torch.empty_like(scores)
    for b in range(batch):
        for h in range(heads):
            transposed = key[b, h].t()
            for start in range(0, n, QUERY_CHUNK):
                part = query[b, h, start : start + QUERY_CHUNK]
                rows = slice(len(part))
                torch.mm(part, transposed, out=scores[rows])
                torch.softmax(scores[rows], dim=-1, out=shares[rows])
                torch.mm(shares[rows], value[b, h], out=out[b, h, start : start + len(part)])
    return out


def attend_windows(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`softmax(q k^T) v` inside windows: `(windows * heads, tokens, dim)`, the scale already in the query."""
    if torch.is_grad_enabled() or query.device.type != "cpu":
        return attend(query[None], key[None], value[None])[0]
    return torch.bmm(torch.bmm(query, key.transpose(1, 2)).softmax(dim=-1), value)
