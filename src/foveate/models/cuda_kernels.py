"""Triton kernels of the CUDA path, heads of 64: normalisation, position codes, and attention without an N x N bias.

Tokens are the real ones of a batch, `(n, C)`, frame by frame; queries, keys and values of a token stand side by side
in a row `(3 * C)`. Decomposed relative positions enter as codes: `codes[head, token, j]` is what the token's query
adds to its score with any key that lies in row or column number `j`, and a key picks its row and its column.
"""

# mypy: ignore-errors
# ruff: noqa: N803, PLR0917 - constants of a kernel are written large, and it takes what it needs one by one

import triton
import triton.language as tl


@triton.jit
def normalise(x, shift, weight, bias, out, eps, DIM: tl.constexpr, BLOCK: tl.constexpr):
    """Layer normalisation of `x + shift`, one row per program."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < DIM
    value = tl.load(x + row * DIM + column, mask=inside, other=0.0).to(tl.float32)
    value += tl.load(shift + column, mask=inside, other=0.0)
    mean = tl.sum(value, axis=0) / DIM
    centred = tl.where(inside, value - mean, 0.0)
    scale = 1.0 / tl.sqrt(tl.sum(centred * centred, axis=0) / DIM + eps)
    gain = tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    offset = tl.load(bias + column, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + row * DIM + column, (centred * scale * gain + offset).to(out.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=["tokens"])
def gather_codes(
    products, queries, keys, pieces, out, tokens, codes, factor,
    WIDTH: tl.constexpr, SPANS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Codes from `products[head, token, distance]`: means over the patches that a query and a row or column cover.

    `queries` `(tokens, 4)`: first row, rows, first column, columns. `keys` `(tables, codes, 4)`: first patch, patches,
    where distance 0 lies in the products, axis; a code of no patches lies far below 0. `pieces` `(n, 3)`: first token,
    one past the last that belongs to the same table, table. `SPANS`: the most patches that a token covers along an
    axis.
    """
    piece, head = tl.program_id(0), tl.program_id(1).to(tl.int64)
    token = tl.load(pieces + piece * 3) + tl.arange(0, ROWS)
    here = token < tl.load(pieces + piece * 3 + 1)
    code = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    known = code < codes
    at = keys + (tl.load(pieces + piece * 3 + 2) * codes + code) * 4
    key_first = tl.load(at, mask=known, other=0)
    key_count = tl.load(at + 1, mask=known, other=1)
    centre = tl.load(at + 2, mask=known, other=0)
    axis = tl.load(at + 3, mask=known, other=0)
    part = token[:, None] * 4 + axis[None, :] * 2
    both = here[:, None] & known[None, :]
    first = tl.load(queries + part, mask=both, other=0)
    count = tl.load(queries + part + 1, mask=both, other=1)
    base = products + (head * tokens + token[:, None]) * WIDTH + centre[None, :] + first - key_first[None, :]
    total = tl.zeros((ROWS, BLOCK), tl.float32)
    for i in tl.static_range(SPANS):
        for j in tl.static_range(SPANS):
            covered = both & (i < count) & (j < key_count)[None, :]
            total += tl.load(base + (i - j), mask=covered, other=0.0).to(tl.float32)
    mean = total * factor / (count * tl.maximum(key_count, 1)[None, :]).to(tl.float32)
    mean = tl.where((key_count > 0)[None, :], mean, -30000.0)
    tl.store(out + (head * tokens + token[:, None]) * codes + code[None, :], mean.to(out.dtype.element_ty), mask=both)


@triton.jit
def attend_in_windows(
    qkv, padding, relative, places, out, scale,
    DIM: tl.constexpr, AREA: tl.constexpr, SIDE: tl.constexpr, TABLE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Attention inside one window, one head per program.

    `places` `(windows * AREA,)`: the row of each token, -1 beyond its frame; such a token is the key and value that
    `padding` `(3 * C)`, the projection of zeros, holds. `relative` `(TABLE, 64)`: vectors of the distances
    `-SIDE + 1..SIDE - 1` of rows, then of columns; `TABLE` = 0: no relative positions.
    """
    window, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    token, channel = tl.arange(0, BLOCK), tl.arange(0, 64)
    inside = token < AREA
    row = tl.load(places + window * AREA + token, mask=inside, other=-1).to(tl.int64)
    real = row >= 0
    at = qkv + row[:, None] * (3 * DIM) + head * 64 + channel[None, :]
    blank = padding + head * 64 + channel
    query = tl.load(at, mask=real[:, None], other=0.0)
    key = tl.load(at + DIM, mask=real[:, None], other=0.0)
    value = tl.load(at + 2 * DIM, mask=real[:, None], other=0.0)
    key = tl.where(real[:, None], key, tl.load(blank + DIM)[None, :])
    value = tl.where(real[:, None], value, tl.load(blank + 2 * DIM)[None, :])
    score = tl.dot(query, tl.trans(key)) * scale
    if TABLE > 0:
        distance, slot = tl.arange(0, 64), tl.arange(0, 32)
        vectors_at = relative + distance[:, None] * 64 + channel[None, :]
        vectors = tl.load(vectors_at, mask=(distance < TABLE)[:, None], other=0.0)
        products = tl.dot(query, tl.trans(vectors))
        by_row, by_column = token // SIDE + (SIDE - 1), token % SIDE + (4 * SIDE - 2)
        wanted = tl.where((slot < SIDE)[None, :], by_row[:, None] - slot[None, :], by_column[:, None] - slot[None, :])
        wanted = tl.minimum(tl.maximum(wanted, 0), 63)
        code = tl.gather(products, wanted, axis=1).to(query.dtype)
        picks = (slot[:, None] == (token // SIDE)[None, :]) | (slot[:, None] == (SIDE + token % SIDE)[None, :])
        score = tl.dot(code, picks.to(code.dtype), acc=score)
    score = tl.where(inside[None, :], score * 1.4426950408889634, float("-inf"))
    weight = tl.exp2(score - tl.max(score, axis=1)[:, None])
    mixed = tl.dot(weight.to(value.dtype), value) / tl.sum(weight, axis=1)[:, None]
    target = out + row[:, None] * DIM + head * 64 + channel[None, :]
    tl.store(target, mixed.to(out.dtype.element_ty), mask=real[:, None])


@triton.jit
def attend_in_frames(
    qkv, pairs, blocks, barred, out, scale, DIM: tl.constexpr, M: tl.constexpr, N: tl.constexpr
):  # fmt: skip
    """Attention of `M` queries of one frame to all of its keys, one head per program; frames of any lengths.

    `blocks` `(n, 4)`: first query, one past the frame's last, first block of `N` keys, number of blocks. `pairs`
    `(keys, 2 * C)`: keys and values in blocks; `barred`: 0, or -inf where a block has no key.
    """
    block, head = tl.program_id(0), tl.program_id(1)
    start, stop = tl.load(blocks + block * 4), tl.load(blocks + block * 4 + 1)
    first, count = tl.load(blocks + block * 4 + 2), tl.load(blocks + block * 4 + 3)
    row = (start + tl.arange(0, M)).to(tl.int64)
    channel, place = tl.arange(0, 64), tl.arange(0, N)
    here = row < stop
    query = tl.load(qkv + row[:, None] * (3 * DIM) + head * 64 + channel[None, :], mask=here[:, None], other=0.0)
    top = tl.full((M,), float("-inf"), tl.float32)
    total = tl.zeros((M,), tl.float32)
    mixed = tl.zeros((M, 64), tl.float32)
    for number in range(first, first + count):
        key_row = (number * N + place).to(tl.int64)
        at = pairs + key_row[:, None] * (2 * DIM) + head * 64 + channel[None, :]
        key = tl.load(at)
        value = tl.load(at + DIM)
        score = tl.dot(query, tl.trans(key))
        score = score * (scale * 1.4426950408889634) + tl.load(barred + key_row)[None, :]
        higher = tl.maximum(top, tl.max(score, axis=1))
        weight = tl.exp2(score - higher[:, None])
        fade = tl.exp2(top - higher)
        total = total * fade + tl.sum(weight, axis=1)
        mixed = tl.dot(weight.to(value.dtype), value, acc=mixed * fade[:, None])
        top = higher
    target = out + row[:, None] * DIM + head * 64 + channel[None, :]
    tl.store(target, (mixed / total[:, None]).to(out.dtype.element_ty), mask=here[:, None])


@triton.jit(do_not_specialize=["tokens"])
def attend_by_cells(
    qkv, pairs, codes, blocks, groups, out, tokens, width, scale,
    DIM: tl.constexpr, R: tl.constexpr, C: tl.constexpr, M: tl.constexpr,
):  # fmt: skip
    """`attend_in_frames` where the keys of a block are `R` rows by `C` columns, the same `R + C` codes for all.

    `codes` `(heads, tokens, width)`, in groups of `R` rows or `C` columns; far below 0 where there is no key.
    `groups` `(key blocks, 2)`: first code of the block's rows, and of its columns, in steps of 8.
    """
    block, head = tl.program_id(0), tl.program_id(1)
    start, stop = tl.load(blocks + block * 4), tl.load(blocks + block * 4 + 1)
    first, count = tl.load(blocks + block * 4 + 2), tl.load(blocks + block * 4 + 3)
    row = (start + tl.arange(0, M)).to(tl.int64)
    channel, place, slot = tl.arange(0, 64), tl.arange(0, R * C), tl.arange(0, R + C)
    here = row < stop
    query = tl.load(qkv + row[:, None] * (3 * DIM) + head * 64 + channel[None, :], mask=here[:, None], other=0.0)
    code_at = codes + (head.to(tl.int64) * tokens + tl.where(here, row, start)) * width
    picks = (slot[:, None] == (place // C)[None, :]) | (slot[:, None] == (R + place % C)[None, :])
    picks = picks.to(query.dtype)
    top = tl.full((M,), float("-inf"), tl.float32)
    total = tl.zeros((M,), tl.float32)
    mixed = tl.zeros((M, 64), tl.float32)
    for number in range(first, first + count):
        key_row = (number * (R * C) + place).to(tl.int64)
        at = pairs + key_row[:, None] * (2 * DIM) + head * 64 + channel[None, :]
        key = tl.load(at)
        value = tl.load(at + DIM)
        down, across = tl.load(groups + number * 2) * 8, tl.load(groups + number * 2 + 1) * 8
        score = tl.dot(query, tl.trans(key))
        code = tl.load(code_at[:, None] + tl.where(slot < R, down + slot, across + slot - R)[None, :])
        score = tl.dot(code, picks, acc=score)
        score *= scale * 1.4426950408889634
        higher = tl.maximum(top, tl.max(score, axis=1))
        weight = tl.exp2(score - higher[:, None])
        fade = tl.exp2(top - higher)
        total = total * fade + tl.sum(weight, axis=1)
        mixed = tl.dot(weight.to(value.dtype), value, acc=mixed * fade[:, None])
        top = higher
    target = out + row[:, None] * DIM + head * 64 + channel[None, :]
    tl.store(target, (mixed / total[:, None]).to(out.dtype.element_ty), mask=here[:, None])
