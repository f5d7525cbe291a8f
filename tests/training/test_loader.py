import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from foveate.core import FoveateError, InputError
from foveate.training import Batch, BatchPlan, BatchSource, ImageSet, Loader, Mixture

ARRAYS = ("images", "boxes", "labels", "ignored_boxes", "ignored_labels")


def plan(images: ImageSet, seed: int = 3) -> BatchPlan:
    return BatchPlan(mixture=Mixture(sets=(images,), weights=(1.0,)), size=(96, 96), batch_size=4, seed=seed)


def same(a: Batch, b: Batch) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ARRAYS)


def test_a_batch_depends_on_seed_and_step_alone(street_set: ImageSet) -> None:
    walked = BatchSource(plan(street_set))
    batches = [walked.batch(step) for step in range(15)]
    assert same(BatchSource(plan(street_set)).batch(14), batches[14])
    assert not same(batches[13], batches[14])
    assert not same(BatchSource(plan(street_set, seed=4)).batch(14), batches[14])


def test_another_process_makes_the_same_batches(street_set: ImageSet) -> None:
    with Loader(plan(street_set), 5) as loader:
        batches = iter(loader)
        got = [next(batches) for _ in range(3)]
    source = BatchSource(plan(street_set))
    assert all(same(batch, source.batch(5 + i)) for i, batch in enumerate(got))


def test_an_error_in_the_other_process_arrives_here(street_set: ImageSet) -> None:
    for image in street_set.images:
        image.path.write_bytes(b"no picture")
    with Loader(plan(street_set), 0) as loader, pytest.raises(FoveateError, match="is not a readable image"):
        next(iter(loader))


def load_and_die(images: ImageSet, pipe: Connection) -> None:
    """The life of a training that is killed while batches wait for it."""
    with Loader(plan(images), 0) as loader:
        next(iter(loader))
        pipe.send(loader._process.pid)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)


def is_running(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for a process in /proc")
def test_the_process_ends_with_a_training_that_is_killed(street_set: ImageSet) -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    training = context.Process(target=load_and_die, args=(street_set, there))
    training.start()
    maker: int = here.recv()
    training.join()
    deadline = time.monotonic() + 20
    while is_running(maker) and time.monotonic() < deadline:
        time.sleep(0.1)
    if is_running(maker):
        os.kill(maker, signal.SIGKILL)
        pytest.fail("the process outlives the training")


def test_padding_has_no_label(street_set: ImageSet) -> None:
    batch = BatchSource(plan(street_set)).batch(0)
    assert batch.images.shape == (4, 96, 96, 3)
    assert (batch.boxes[batch.labels < 0] == 0).all()
    assert (batch.boxes[batch.labels >= 0][:, 2:] > batch.boxes[batch.labels >= 0][:, :2]).all()


def test_crops_below_32_pixels_are_refused(street_set: ImageSet) -> None:
    with pytest.raises(InputError, match="at least 32 pixels"):
        BatchPlan(mixture=Mixture(sets=(street_set,), weights=(1.0,)), size=(16, 96), batch_size=4, seed=0)
