"""Many clients of one server: the load tool's clients, and a soak."""

import gc
import os
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from foveate.codec import encode_frame
from foveate.core import InputError, OffloadPlan
from foveate.models import BackboneConfig, Detector, DetectorConfig
from foveate.network.messages import Offload
from foveate.network.transports import MemoryHub, ZmqChannel, ZmqHub
from foveate.server import OffloadAnswered, serve
from foveate.testing import FakeDetector, moving_squares
from foveate.testing.load import Client, run_clients


def frames_for(detector, sizes, *, seed=0, patience_s=5.0, **changes):
    rng = np.random.default_rng(seed)
    offloads = []
    for size in sizes:
        grid = detector.region_grid(*size)
        mask = rng.random(grid.shape) < 0.5
        encoded = encode_frame(next(moving_squares(1, size)), grid=grid, mask=mask, quality=80)
        plan = OffloadPlan(downsampling_mask=mask, restoration_point=int(rng.integers(1, 5)))
        values = {"full": encoded.full, "low": encoded.low, "patience_s": patience_s} | changes
        offloads.append(Offload.of(plan, offload_id=0, frame_index=0, grid=grid, score_threshold=0.5, **values))
    return offloads


@contextmanager
def serving(detector, **options):
    stop = threading.Event()
    with ZmqHub("127.0.0.1:0") as hub:
        thread = threading.Thread(target=serve, args=(detector, hub), kwargs={"stop": stop.is_set} | options)
        thread.start()
        try:
            yield f"127.0.0.1:{hub.port}"
        finally:
            stop.set()
            hub.wake()
            thread.join(20)


@contextmanager
def clients(address, frames):
    """One client for each list of frames, greeted."""
    made = [Client(ZmqChannel(address), own) for own in frames]
    try:
        assert all(client.greet() for client in made)
        yield made
    finally:
        for client in made:
            client.close()


def test_eight_clients_are_all_answered_and_share_batches():
    detector, seen = FakeDetector(inference_s=0.02), []
    options = {"budget_tokens": 10_000, "observers": [seen.append]}
    with serving(detector, **options) as address, clients(address, [frames_for(detector, [(128, 96)])] * 8) as made:
        load = run_clients(made, seconds=0.5)
    sizes = [event.inferred.batch_size for event in seen if isinstance(event, OffloadAnswered)]
    assert load.failures.total() == 0
    assert load.sent == len(load.latencies_s) == len(sizes)
    assert max(sizes) > 1


def test_what_a_server_refuses_is_counted_by_what_it_said():
    detector = FakeDetector()
    broken = frames_for(detector, [(128, 96)], full=b"noise")
    with serving(detector) as address, clients(address, [broken]) as made:
        load = run_clients(made, seconds=0.05)
    assert load.latencies_s == []
    assert load.failures.total() == load.sent > 0
    assert "late" not in load.failures


def test_a_frame_that_nobody_answers_is_late():
    with MemoryHub() as hub:
        client = Client(hub.connect(), frames_for(FakeDetector(), [(128, 96)], patience_s=0.02))
        load = run_clients([client], seconds=0.01)
    assert load.failures == {"late": 1}


def test_a_client_needs_frames():
    with pytest.raises(InputError, match="at least one frame"):
        Client(MemoryHub().connect(), [])


def resident_mib():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.long
def test_memory_does_not_grow_under_32_clients_of_many_sizes_and_masks():
    """Four minutes. A server that kept one decoded frame of ten would grow by a hundred MiB in the last two."""
    torch.manual_seed(0)
    shape = BackboneConfig(dim=32, depth=4, heads=2, stem="convolutional", positions="tiled")
    detector = Detector(DetectorConfig(backbone=shape, pyramid_channels=16)).eval()
    sizes = [(180, 320), (288, 288), (240, 426), (500, 300)]
    frames = [frames_for(detector, sizes * 5, seed=seed, patience_s=20.0) for seed in range(32)]
    resident = []
    with serving(detector) as address, clients(address, frames) as made:
        for _ in range(8):
            load = run_clients(made, seconds=30)
            assert len(load.latencies_s) > 0.9 * load.sent
            gc.collect()
            resident.append(resident_mib())
    assert resident[-1] - resident[3] < 24, resident
