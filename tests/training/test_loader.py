import multiprocessing
import os
import signal
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from foveate.core import FoveateError, InputError
from foveate.training import Batch, BatchPlan, BatchSource, ImageSet, Loader, Mixture, load_folder
from foveate.training.patience import Patience

from .conftest import CLASSES, write_set

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


def test_an_interrupt_while_the_other_process_starts_does_not_end_it(street_set: ImageSet) -> None:
    with Loader(plan(street_set), 0) as loader:
        pid = loader._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGINT)  # long before its first line has run
        assert len(next(iter(loader)).images) > 0


def test_an_error_in_the_other_process_arrives_here(street_set: ImageSet) -> None:
    for image in street_set.images:
        image.path.write_bytes(b"no picture")
    with Loader(plan(street_set), 0) as loader, pytest.raises(FoveateError, match="is not a readable image"):
        next(iter(loader))


def grown(images: ImageSet, folder: Path) -> ImageSet:
    """The set with three more pictures."""
    more = load_folder(write_set(folder, pictures=3), CLASSES)
    return replace(images, images=images.images + more.images)


def test_a_renewed_loader_goes_on_with_the_batches_of_the_new_plan(street_set: ImageSet, tmp_path: Path) -> None:
    later = plan(grown(street_set, tmp_path / "more"))
    with Loader(plan(street_set), 0) as loader:
        batches = iter(loader)
        before = [next(batches) for _ in range(2)]
        loader.renew(plan(street_set, seed=9), 1)
        loader.renew(later, 2)
        after = [next(batches) for _ in range(3)]
    first, then = BatchSource(plan(street_set)), BatchSource(later)
    assert all(same(batch, first.batch(step)) for step, batch in enumerate(before))
    assert all(same(batch, then.batch(step)) for step, batch in enumerate(after, 2))
    assert not same(after[0], first.batch(2))


def test_a_picture_that_is_half_written_is_passed_over_until_it_is_whole(street_set: ImageSet) -> None:
    path = street_set.images[1].path
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    patience = Patience(60.0)
    source = BatchSource(plan(street_set), patience)
    assert source.batch(0).images.shape == (4, 96, 96, 3)
    assert set(patience.waiting) == {str(path)}
    path.write_bytes(whole)
    assert same(BatchSource(plan(street_set), patience).batch(0), BatchSource(plan(street_set)).batch(0))
    assert not patience.waiting


def test_what_stays_unreadable_ends_a_loader_of_growing_sets_too(
    street_set: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foveate.training.loader.PATIENCE_S", 0.01)
    for image in street_set.images:
        image.path.write_bytes(b"no picture")
    with Loader(plan(street_set), 0, growing=True) as loader:
        loader.renew(plan(street_set), 1)
        with pytest.raises(FoveateError, match="is not a readable image"):
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
