"""A disk that refuses costs one line, and neither the file that was there nor a place beside it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from foveate.core import FoveateError
from foveate.models import load_detector, save_detector
from foveate.models.weights import describe_weights
from foveate.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from foveate.training.optimise import MovingAverage

pytestmark = pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on the size of files")


@contextmanager
def no_room_beyond(size_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_weights_that_find_no_room_leave_those_before(tiny_weights: Path, tmp_path: Path) -> None:
    detector = load_detector(tiny_weights)
    path = tmp_path / "mine.safetensors"
    save_detector(detector, path)
    before = path.read_bytes()
    with no_room_beyond(len(before) // 2):
        for write in (lambda: save_detector(detector, path), lambda: describe_weights(path, {"data": "none"})):
            with pytest.raises(FoveateError, match=r"cannot write .*mine\.safetensors: .*File too large") as told:
                write()
            assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_a_checkpoint_that_finds_no_room_leaves_the_one_before(tmp_path: Path) -> None:
    model = torch.nn.Linear(100, 100)
    state = {
        "model": model,
        "optimiser": torch.optim.SGD(model.parameters()),
        "average": MovingAverage(model, 0.9),
        "seed": 1,
    }
    save_checkpoint(tmp_path, progress=Progress(step=3), **state)
    with (
        no_room_beyond(20_000),
        pytest.raises(FoveateError, match=r"cannot write .*checkpoint\.pt: File too large$"),
    ):
        save_checkpoint(tmp_path, progress=Progress(step=4), **state)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
    assert load_checkpoint(tmp_path, **state).step == 3
