"""Attention inside parts of one list of tokens, as an attention function of transformers.

A block whose attention module looks its function up by name (`AttentionInterface`) then takes all parts of all frames
in one call, whatever their lengths: norms and products with weights run on the whole list, attention part by part.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from foveate.models.families.tokens import Index, TokenList, run_alike

NAME = "foveate_parts"


def use_part_attention(theirs: Any) -> None:
    """Let a network of transformers attend in parts; its blocks then need `part_lengths`."""
    from transformers import AttentionInterface  # noqa: PLC0415  # whoever built `theirs` has it

    AttentionInterface.register(NAME, attend_in_parts)
    theirs.config._attn_implementation = NAME  # noqa: SLF001  # its blocks read it there


def run_in_parts(layer: Any, tokens: Tensor, lists: Sequence[TokenList], *, windowed: bool) -> Tensor:
    """A block of such a network on the lists of several frames `(N, C)`, attending inside windows or whole frames."""
    lengths = np.concatenate([order.part_lengths if windowed else [len(order)] for order in lists])
    result: Tensor = layer(tokens[None], part_lengths=lengths)[0]
    return result


def attend_in_parts(
    module: Any,  # noqa: ARG001  # the signature is theirs
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,  # noqa: ARG001
    *,
    scaling: float,
    part_lengths: Index,
    **_: Any,
) -> tuple[Tensor, None]:
    """`(1, heads, N, dim)` each -> `(1, N, heads, dim)`; `part_lengths` sum to N."""
    heads, dim = query.shape[1], query.shape[3]
    flat = [part[0].transpose(0, 1).reshape(-1, heads * dim) for part in (query, key, value)]

    def attend(stretches: list[Tensor], _: Index) -> Tensor:
        count, length, _width = stretches[0].shape
        split = [part.reshape(count, length, heads, dim).transpose(1, 2) for part in stretches]
        attended = F.scaled_dot_product_attention(split[0], split[1], split[2], scale=scaling)
        return attended.transpose(1, 2).reshape(count, length, heads * dim)

    return run_alike(flat, part_lengths, attend).reshape(1, -1, heads, dim), None
