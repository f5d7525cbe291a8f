"""Work on a CUDA device that comes again in the same shapes, replayed from graphs: without the host's part.

A graph is made when a key comes for the third time; before, and wherever there can be none, the work is simply done.
With FOVEATE_CUDA_GRAPHS=0 in the environment there are none.
"""

import os
import threading
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foveate.models.weight_state import weight_state

Work = Callable[..., Sequence[Tensor]]
"""Tensors -> tensors, on the device alone; it may change what it is given."""
Prepare = Callable[[], tuple[Work, object]]
"""Makes the work, and all tensors that it reads beside its inputs and the weights."""
SIGHTINGS = 2
"""How often a key comes before a graph is made for it; by then kernels are compiled and tables kept."""
MOST_KEYS = 4096
"""Keys that are counted at a time."""
MEMORY_SHARE = 1 / 16
"""Part of the device's memory that inputs and outputs of graphs may take; the oldest graphs go first."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """A graph with the memory that it reads and writes."""

    graph: Any
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    kept: object
    """What else the graph reads; it must not go before the graph."""

    @property
    def nbytes(self) -> int:
        """Of inputs and outputs."""
        return sum(one.nbytes for one in (*self.inputs, *self.outputs))

    def replay(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The work on other inputs."""
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given)
        self.graph.replay()
        return [one.clone() for one in self.outputs]


class Recorder:
    """Makes graphs that share the memory for what lies between their inputs and outputs."""

    def __init__(self) -> None:
        self._pool: Any = None

    def begin(self) -> None:
        """Of the graphs before none is left."""
        self._pool = None

    def place(self, inputs: Sequence[Tensor]) -> Hashable:
        """Where work on these is queued; None where there are no graphs."""
        if inputs[0].device.type != "cuda" or torch.is_grad_enabled() or torch.is_autocast_enabled("cuda"):
            return None
        return torch.cuda.current_stream(inputs[0].device)

    def allowed_bytes(self, inputs: Sequence[Tensor]) -> float:
        """How much memory inputs and outputs of all graphs may take."""
        return MEMORY_SHARE * torch.cuda.get_device_properties(inputs[0].device).total_memory

    def record(self, work: Work, inputs: Sequence[Tensor], kept: object) -> Recorded:
        """A graph of `work`, which must have run before. Raises `RuntimeError` where there can be none."""
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        own, there = tuple(one.clone() for one in inputs), inputs[0].device
        graph, now = torch.cuda.CUDAGraph(), torch.cuda.current_stream(there)
        stream = torch.cuda.Stream(there)  # type: ignore[no-untyped-call]
        stream.wait_stream(now)
        with torch.cuda.stream(stream):
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                outputs = tuple(work(*own))
            finally:
                graph.capture_end()
        now.wait_stream(stream)
        return Recorded(graph, own, outputs, kept)


class Weights:
    """The parameters of some modules, and whether they have changed."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        parts = [part for module in modules for part in module.modules()]
        self._places = [(part._parameters, name) for part in parts for name in part._parameters]  # noqa: SLF001
        self.tensors = [value.data for value in self._values()]
        """What graphs read, so that it stays."""
        self._stamp = self._now()

    def changed(self) -> bool:
        """Since this was made: other tensors, or other values by an operation in place or an optimiser."""
        return self._now() != self._stamp

    def _values(self) -> Iterator[Tensor]:
        return (value for of, name in self._places if (value := of[name]) is not None)

    def _now(self) -> list[tuple[int, int, int]]:
        return [weight_state(one) for one in self._values()]


class Graphs:
    """Graphs by key, of one model; those of the stream that had the first one. Copies of a model make their own."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder or Recorder()
        self._lock = threading.Lock()
        self._seen: Counter[Hashable] = Counter()
        self._graphs: OrderedDict[Hashable, Recorded] = OrderedDict()
        self._weights: Weights | None = None
        self._place: Hashable = None
        self.used = os.environ.get("FOVEATE_CUDA_GRAPHS", "1") != "0"
        """Whether graphs are made and replayed."""
        self.replays = 0
        """How often one was."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Graphs":
        return Graphs()

    def __reduce__(self) -> tuple[type["Graphs"], tuple[()]]:
        return Graphs, ()

    def __len__(self) -> int:
        return len(self._graphs)

    def forget(self) -> None:
        """Let go of all graphs and of the weights that they read."""
        self._graphs.clear()
        self._seen.clear()
        self._weights = self._place = None

    def run(
        self, key: Hashable, prepare: Prepare, inputs: Sequence[Tensor], modules: Sequence[nn.Module]
    ) -> list[Tensor]:
        """What the work makes of `inputs`, new tensors. Works of one key do the same, with the weights of `modules`."""
        place = self._recorder.place(inputs)
        if place is not None and self.used:
            whole = (key, tuple((one.shape, one.stride(), one.dtype) for one in inputs))
            with self._lock:  # graphs share memory
                outputs = self._replayed(whole, place, prepare, inputs, modules)
            if outputs is not None:
                return outputs
        elif place is None and self._weights is not None:
            self.forget()
        work, _ = prepare()
        return list(work(*inputs))

    def _replayed(
        self, key: Hashable, place: Hashable, prepare: Prepare, inputs: Sequence[Tensor], modules: Sequence[nn.Module]
    ) -> list[Tensor] | None:
        if self._weights is None:
            self._weights, self._place = Weights(modules), place
        if place != self._place:
            return None
        found = self._graphs.get(key) or self._made(key, prepare, inputs)
        outputs = None if found is None else found.replay(inputs)
        self.replays += outputs is not None
        if self._weights.changed():  # looked at while the device works
            self.forget()
            return None
        return outputs

    def _made(self, key: Hashable, prepare: Prepare, inputs: Sequence[Tensor]) -> Recorded | None:
        """A new graph, if it is time for one."""
        if not self._is_due(key):
            return None
        work, kept = prepare()
        if not self._graphs:
            self._recorder.begin()  # memory that no graph holds is gone
        try:
            made = self._recorder.record(work, inputs, kept)
        except RuntimeError as error:
            warnings.warn(f"no CUDA graphs from here on: {str(error).splitlines()[0]}", stacklevel=4)
            self.used = False
            return None
        self._keep(key, made, self._recorder.allowed_bytes(inputs))
        return made

    def _is_due(self, key: Hashable) -> bool:
        if len(self._seen) > MOST_KEYS:
            self._seen.clear()
        self._seen[key] += 1
        return self._seen[key] > SIGHTINGS

    def _keep(self, key: Hashable, made: Recorded, allowed: float) -> None:
        if made.nbytes > allowed:
            self._seen[key] = -MOST_KEYS  # work of that size does not wait for the host
            return
        self._graphs[key] = made
        while sum(one.nbytes for one in self._graphs.values()) > allowed:
            dropped, _ = self._graphs.popitem(last=False)  # the oldest
            self._seen[dropped] = 0
