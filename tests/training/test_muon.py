import pytest
import torch
from torch import nn

from foveate.models import vit_classifier, vitdet_nano
from foveate.training.muon import Muon, make_muon, orthogonalised


@pytest.mark.parametrize("shape", [(8, 24), (24, 8)])
def test_singular_values_come_near_one_and_vectors_stay(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape) + 2 * torch.eye(*shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    inner = u.T @ orthogonalised(matrix) @ v.T
    assert float(inner.diagonal().min()) > 0.5
    assert float(inner.diagonal().max()) < 1.3
    assert float((inner - torch.diag(inner.diagonal())).abs().max()) < 0.1


def test_matrices_of_one_shape_are_changed_as_each_would_be_alone():
    torch.manual_seed(0)
    shapes = [(8, 24), (24, 8), (8, 24), (8, 8), (8, 3, 3, 3), (24, 8)]
    starts, grads = [torch.randn(shape) for shape in shapes], [torch.randn(shape) for shape in shapes]

    def changed(places):
        weights = [nn.Parameter(starts[i].clone()) for i in places]
        optimiser = Muon(weights, [], [])
        for step in range(3):
            for place, weight in zip(places, weights, strict=True):
                weight.grad = grads[place] * (1 + step)
            for group in optimiser.param_groups:
                group["lr"] = 0.02
            optimiser.step()
        return [weight.detach() for weight in weights]

    together = changed(range(len(shapes)))
    alone = [changed([place])[0] for place in range(len(shapes))]
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


def test_a_stack_is_orthogonalised_matrix_by_matrix():
    torch.manual_seed(0)
    stack = torch.randn(3, 16, 40)
    torch.testing.assert_close(
        orthogonalised(stack), torch.stack([orthogonalised(m) for m in stack]), rtol=0, atol=0.01
    )


def test_parameters_without_gradient_stay_and_count_their_own_steps():
    torch.manual_seed(0)
    first, second = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))
    optimiser = Muon([], [], [first, second])
    optimiser.param_groups[0]["lr"] = 0.1
    first.grad = torch.ones(4)
    optimiser.step()
    assert torch.equal(second.detach(), torch.ones(4))
    second.grad = torch.ones(4)
    optimiser.step()
    assert optimiser.state[first]["step"] == 2
    assert optimiser.state[second]["step"] == 1
    torch.testing.assert_close(second.detach(), torch.full((4,), 0.9))


def test_blocks_take_orthogonal_steps_and_everything_else_adamw():
    model = vit_classifier(("a", "b"), image_size=32, dim=32, depth=1)
    groups = make_muon(model).param_groups
    orthogonal = {id(p) for g in groups if g["orthogonal"] for p in g["params"]}
    named = {name for name, p in model.named_parameters() if id(p) in orthogonal}
    assert named
    assert all(name.startswith("backbone.blocks.") and name.endswith("weight") for name in named)
    assert sum(len(g["params"]) for g in groups) == len(list(model.parameters()))
    undecayed = {id(p) for g in groups if g["weight_decay"] == 0 for p in g["params"]}
    assert id(model.backbone.positions) in undecayed


def test_kernels_between_two_layers_take_orthogonal_steps_as_matrices_of_one_row_per_channel():
    model = vitdet_nano()
    muon = make_muon(model)
    orthogonal = {id(p) for g in muon.param_groups if g["orthogonal"] for p in g["params"]}
    named = {name: p for name, p in model.named_parameters() if id(p) in orthogonal}
    assert any("class_tower" in name for name in named)
    assert not any("logits" in name or "embed" in name or "distances" in name for name in named)
    kernel = named["head.class_tower.0.weight"]
    before = kernel.detach().clone()
    kernel.grad = torch.randn_like(kernel)
    muon.param_groups[0]["lr"], muon.param_groups[0]["weight_decay"] = 1.0, 0.0
    muon.step()
    change = (before - kernel.detach()).flatten(1)
    assert float(change.square().mean().sqrt()) == pytest.approx(0.2, rel=0.3)
    assert float(torch.linalg.svdvals(change).std() / torch.linalg.svdvals(change).mean()) < 0.3


def test_it_descends():
    torch.manual_seed(0)
    weight, bias = nn.Parameter(torch.zeros(4, 6)), nn.Parameter(torch.zeros(4))
    wanted, inputs = torch.randn(4, 6), torch.randn(64, 6)
    optimiser = Muon([weight], [], [bias])
    losses = []
    for step in range(60):
        loss = ((inputs @ weight.T + bias - inputs @ wanted.T - 1) ** 2).mean()
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = 0.2 * (1 - step / 60)
        optimiser.step()
    assert losses[-1] < 0.2 * losses[0]


def test_its_state_goes_into_a_checkpoint_and_back():
    torch.manual_seed(0)
    runs = []
    for resume in (False, True):
        weight = nn.Parameter(torch.ones(3, 3))
        optimiser = Muon([weight], [], [])
        for step in range(4):
            if resume and step == 2:
                state = optimiser.state_dict()
                optimiser = Muon([weight], [], [])
                optimiser.load_state_dict(state)
            for group in optimiser.param_groups:
                group["lr"] = 0.01
            weight.grad = torch.arange(9.0).reshape(3, 3) + step
            optimiser.step()
        runs.append(weight.detach().clone())
    assert torch.equal(*runs)
