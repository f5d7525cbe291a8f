"""Graphs are made, kept and dropped at the right times; replaying is the work itself where there is no CUDA."""

import copy
import pickle
from collections.abc import Hashable, Sequence

import pytest
import torch
from torch import Tensor, nn

from foveate.models.cuda_graphs import SIGHTINGS, Graphs, Recorded, Recorder, Work


class Repeated:
    """Stands for a CUDA graph: does the work again on the memory that it was made with."""

    def __init__(self, work: Work, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self.work, self.inputs, self.outputs = work, inputs, outputs

    def replay(self) -> None:
        for own, new in zip(self.outputs, self.work(*self.inputs), strict=True):
            own.copy_(new)


class Recordings(Recorder):
    """Records what it is asked for."""

    def __init__(self, allowed: float = 1e9) -> None:
        super().__init__()
        self.allowed, self.count, self.where, self.fails = allowed, 0, "here", False

    def place(self, inputs: Sequence[Tensor]) -> Hashable:
        return self.where

    def allowed_bytes(self, inputs: Sequence[Tensor]) -> float:
        return self.allowed

    def record(self, work: Work, inputs: Sequence[Tensor], kept: object) -> Recorded:
        if self.fails:
            raise RuntimeError("operation not permitted\nmore")
        self.count += 1
        own = tuple(one.clone() for one in inputs)
        outputs = tuple(torch.full_like(one, torch.nan) for one in work(*own))
        return Recorded(Repeated(work, own, outputs), own, outputs, kept)


@pytest.fixture
def layer() -> nn.Linear:
    return nn.Linear(3, 2)


@torch.inference_mode()
def answer(graphs: Graphs, layer: nn.Module, x: Tensor, key: Hashable = "layer") -> Tensor:
    return graphs.run(key, lambda: (lambda value: [layer(value)], None), (x,), (layer,))[0]


def several(graphs: Graphs, layer: nn.Module, rows: int = 4, key: Hashable = "layer") -> list[Tensor]:
    """Enough calls for a graph, each with other values, and each right."""
    found = []
    for _ in range(SIGHTINGS + 2):
        x = torch.randn(rows, 3)
        found.append(answer(graphs, layer, x, key))
        torch.testing.assert_close(found[-1], layer(x))
    return found


def test_a_key_that_comes_again_is_replayed_with_its_own_inputs_and_new_outputs(layer):
    recordings = Recordings()
    graphs = Graphs(recordings)
    found = several(graphs, layer)
    assert recordings.count == len(graphs) == 1
    assert len({one.data_ptr() for one in found}) == len(found)
    several(graphs, layer, rows=5)  # other shapes: another graph
    several(graphs, layer, key="other")
    assert recordings.count == len(graphs) == 3


@pytest.mark.parametrize("change", ["in place", "a fused optimiser", "another tensor", "another parameter"])
def test_changed_weights_are_used_at_once(layer, change):
    recordings = Recordings()
    graphs = Graphs(recordings)
    several(graphs, layer)
    with torch.no_grad():
        if change == "in place":
            layer.weight.mul_(2)
        elif change == "a fused optimiser":
            layer.weight.grad = torch.ones_like(layer.weight)
            torch.optim.AdamW([layer.weight], lr=0.1, fused=True).step()
        elif change == "another tensor":
            layer.weight.data = layer.weight.data * 2
        else:
            layer.weight = nn.Parameter(layer.weight * 2)
    several(graphs, layer)
    assert recordings.count == 2


def test_inputs_that_the_work_overwrites_are_those_of_the_graph(layer):
    graphs = Graphs(Recordings())
    for _ in range(SIGHTINGS + 2):
        x = torch.ones(2)
        with torch.inference_mode():
            assert graphs.run("add", lambda: (lambda value: [value.add_(1)], None), (x,), (layer,))[0].tolist() == [
                2,
                2,
            ]


def test_the_oldest_graphs_go_where_memory_ends_and_too_large_ones_are_never_kept(layer):
    one_graph = 4 * (4 * 3 + 4 * 2)
    recordings = Recordings(allowed=2.5 * one_graph)
    graphs = Graphs(recordings)
    for key in "abc":
        several(graphs, layer, key=key)
    assert recordings.count == 3
    assert len(graphs) == 2
    recordings.allowed = 1
    for _ in range(3):
        several(graphs, layer, rows=7)
    assert recordings.count == 4


def test_another_stream_is_served_without_graphs(layer):
    recordings = Recordings()
    graphs = Graphs(recordings)
    several(graphs, layer)
    recordings.where = "there"
    several(graphs, layer)
    assert recordings.count == 1


def test_where_no_graph_can_be_made_it_is_told_once_and_the_work_is_done(layer):
    recordings = Recordings()
    recordings.fails = True
    graphs = Graphs(recordings)
    with pytest.warns(UserWarning, match="^no CUDA graphs from here on: operation not permitted$") as told:
        several(graphs, layer)
    assert len(told) == 1
    assert not graphs.used


def test_on_a_processor_and_for_gradients_there_are_none(layer):
    graphs = Graphs()
    several(graphs, layer)
    assert not len(graphs)


def test_the_environment_can_do_without(layer, monkeypatch):
    monkeypatch.setenv("FOVEATE_CUDA_GRAPHS", "0")
    recordings = Recordings()
    several(Graphs(recordings), layer)
    assert recordings.count == 0


def test_copies_make_their_own(layer):
    graphs = Graphs(Recordings())
    several(graphs, layer)
    assert len(copy.deepcopy(graphs)) == len(pickle.loads(pickle.dumps(graphs))) == 0
