import numpy as np
import pytest

from foveate.codec import encode_frame
from foveate.core import CodecError, ManualClock, OffloadPlan, ProtocolError
from foveate.network.messages import Offload
from foveate.server import Engine
from foveate.testing import FakeDetector, moving_squares

PIXELS = next(moving_squares(1))
GRID = FakeDetector().region_grid(*PIXELS.shape[:2])


class Ticking(ManualClock):
    """Moves on by one second whenever it is read."""

    def now(self):
        self.advance_to(super().now() + 1)
        return super().now()


def offload(mask=None, **changes):
    encoded = encode_frame(PIXELS, grid=GRID, mask=mask, quality=95)
    plan = OffloadPlan(downsampling_mask=mask, restoration_point=2 if mask is not None else 0)
    values = {"full": encoded.full, "low": encoded.low} | changes
    return Offload.of(plan, offload_id=0, frame_index=0, grid=GRID, score_threshold=0.5, patience_s=5.0, **values)


@pytest.fixture
def engine():
    return Engine(FakeDetector(), clock=Ticking())


def test_it_describes_its_model(engine):
    welcome = engine.welcome()
    assert (welcome.model, welcome.subsets, welcome.score_threshold) == ("fake", 4, 0.5)
    assert welcome.grid(*PIXELS.shape[:2]) == GRID


@pytest.mark.parametrize("mask", [None, np.eye(*GRID.shape, dtype=bool), np.ones(GRID.shape, bool)])
def test_objects_are_found_in_whole_and_in_mixed_frames(engine, mask):
    inferred = engine.run(offload(mask))
    assert np.abs(inferred.detections.boxes - FakeDetector().detect_batch([PIXELS])[0].boxes).max() <= 4
    assert (inferred.decode_s, inferred.inference_s) == (1, 1)


def test_what_it_made_of_an_offload_says_which_model_saw_what_and_how_many_tokens(engine):
    mask = np.ones(GRID.shape, bool)
    inferred = engine.run(offload(mask))
    assert (inferred.model, inferred.batch_size) == ("fake", 1)
    assert (inferred.frame.grid, inferred.frame.mask.all()) == (GRID, True)
    full, low = GRID.tokens(), GRID.tokens(mask)
    assert (inferred.full_tokens, inferred.tokens) == (full, round((full + low) / 2))  # restored inside subset 2 of 4


def test_bytes_that_are_no_frame_are_named(engine):
    with pytest.raises(CodecError):
        engine.run(offload(full=b"no JPEG"))
    with pytest.raises(CodecError):
        engine.run(offload(np.eye(*GRID.shape, dtype=bool), low=b""))


def test_a_mask_of_another_size_is_named(engine):
    message = offload(np.eye(*GRID.shape, dtype=bool))
    assert len(message.mask) == 1
    big = Offload(**{name: getattr(message, name) for name in message.__struct_fields__} | {"mask": bytes([1, 1, 1])})
    with pytest.raises(ProtocolError):
        engine.run(big)
