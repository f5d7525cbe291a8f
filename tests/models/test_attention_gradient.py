"""The hand-written backward against autograd through plain softmax."""

import pytest
import torch

from foveate.models import attention_gradient
from foveate.models.attention import attend, attend_windows
from foveate.models.attention_gradient import attend_for_training


def drawn(*widths: int, tokens: tuple[int, int] = (7, 9), dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    lengths = (tokens[0], tokens[1], tokens[1])
    made = [torch.randn(4, n, w, generator=generator).to(dtype) for n, w in zip(lengths, widths, strict=True)]
    return [tensor.requires_grad_() for tensor in made]


def by_autograd(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return torch.softmax(query @ key.transpose(-1, -2), dim=-1) @ value


@pytest.mark.parametrize("most_weights", [0, 2**20], ids=["weights made again", "weights kept"])
def test_gradients_are_those_of_finite_differences(most_weights: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_gradient, "MOST_WEIGHTS", most_weights)
    assert torch.autograd.gradcheck(attend_for_training, drawn(5, 5, 3))


@pytest.mark.parametrize("most_weights", [0, 2**20], ids=["weights made again", "weights kept"])
def test_gradients_are_those_of_autograd_within_the_noise_of_bfloat16(
    most_weights: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_gradient, "MOST_WEIGHTS", most_weights)
    inputs = drawn(64, 64, 64, tokens=(81, 81), dtype=torch.bfloat16)
    exact = [tensor.detach().double().requires_grad_() for tensor in inputs]
    upstream = torch.randn(4, 81, 64, generator=torch.Generator().manual_seed(1))
    got = torch.autograd.grad(attend_for_training(*inputs), inputs, upstream.bfloat16())
    wanted = torch.autograd.grad(by_autograd(*exact), exact, upstream.double())
    for one, other in zip(got, wanted, strict=True):
        assert (one.double() - other).norm() < 0.02 * other.norm()


def test_windows_and_frames_have_the_gradients_of_plain_softmax() -> None:
    query, key, value = drawn(5, 5, 3)
    wanted = by_autograd(query, key, value)
    for got in (attend_windows(query, key, value), attend(query[None], key[None], value[None])[0]):
        torch.testing.assert_close(got, wanted)
        ours, theirs = (torch.autograd.grad(x.sum(), query, retain_graph=True) for x in (got, wanted))
        torch.testing.assert_close(ours, theirs)
