"""Attention in chunks against softmax in double precision."""

import pytest
import torch

from foveate.models import attention
from foveate.models.attention import attend


def reference(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return torch.softmax(query.double() @ key.double().transpose(-1, -2), dim=-1) @ value.double()


@pytest.mark.parametrize("spread", [0.3, 3.0, 40.0], ids=["small scores", "scores that need centring", "one key wins"])
@pytest.mark.parametrize("keys", [1, 100, 1300])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_attend_is_softmax_at_any_size_of_scores(
    dtype: torch.dtype, keys: int, spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "SCORES_AT_ONCE", 40_000)
    generator = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(2, 3, n, 64, generator=generator).to(dtype) * scale
        for n, scale in ((257, spread), (keys, 1.0), (keys, 1.0))
    )
    with torch.inference_mode():
        got, wanted = attend(query, key, value).double(), reference(query, key, value)
        error = (got - wanted).square().mean().sqrt() / wanted.square().mean().sqrt()
    assert torch.isfinite(got).all()
    # Rounded scores of size s err by about s / 256 in bf16, and softmax turns that into a relative error.
    allowed = 1e-4 if dtype == torch.float32 else 0.02 * max(1.0, spread)
    assert error < allowed


@pytest.mark.parametrize("spread", [0.3, 30.0])
def test_both_ways_of_chunks_are_as_near_to_the_truth_as_plain_softmax(spread: float) -> None:
    generator = torch.Generator().manual_seed(1)
    query, key, value = (torch.randn(1, 1, 500, 64, generator=generator).bfloat16() for _ in range(3))
    query *= spread
    with torch.inference_mode():
        wanted = reference(query, key, value)
        plain = torch.softmax(query @ key.transpose(-1, -2), dim=-1) @ value
        got = attend(query, key, value)
    assert (got.double() - wanted).square().mean() < 1.5 * (plain.double() - wanted).square().mean()


def test_values_may_be_narrower_than_keys() -> None:
    query, key, value = torch.randn(1, 2, 30, 48), torch.randn(1, 2, 20, 48), torch.randn(1, 2, 20, 16)
    torch.testing.assert_close(attend(query, key, value).double(), reference(query, key, value), rtol=1e-5, atol=1e-5)
