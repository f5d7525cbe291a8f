from dataclasses import replace

import msgspec
import numpy as np
import pytest

from foveate.codec import encode_frame, encode_plan
from foveate.core import CodecError, ManualClock, OffloadPlan, ProtocolError, RegionGrid, Slicing
from foveate.network.messages import Offload
from foveate.server import Batch, Engine, Work, welcome_of
from foveate.server.engine import GROUP_TOKENS
from foveate.testing import FakeDetector, moving_squares

PIXELS = next(moving_squares(1))
GRID = FakeDetector().region_grid(*PIXELS.shape[:2])


class Ticking(ManualClock):
    """Moves on by one second whenever it is read."""

    def now(self):
        self.advance_to(super().now() + 1)
        return super().now()


class Grudging(FakeDetector):
    """Breaks on frames of one width, and counts its calls."""

    def __init__(self, width):
        super().__init__()
        self.width, self.calls = width, []

    def detect_batch(self, frames, *args, **options):
        self.calls.append(len(frames))
        if any(frame.grid.width == self.width for frame in frames):
            raise RuntimeError("out of memory")
        return super().detect_batch(frames, *args, **options)


def work(pixels=PIXELS, mask=None, **changes):
    grid = FakeDetector().region_grid(*pixels.shape[:2])
    encoded = encode_frame(pixels, grid=grid, mask=mask, quality=95)
    plan = OffloadPlan(downsampling_mask=mask, restoration_point=2 if mask is not None else 0)
    values = {"full": encoded.full, "low": encoded.low, "score_threshold": 0.5} | changes
    offload = Offload.of(plan, offload_id=0, frame_index=0, grid=grid, patience_s=5.0, **values)
    return Work(client=b"a", model="fake", offload=offload, tokens=7, full_tokens=9)


def outcomes(engine, *works):
    decoded = tuple(engine.decode(one) for one in works)
    return engine.infer(Batch(model="fake", works=works, decoded=decoded))


@pytest.fixture
def engine():
    return Engine([FakeDetector()], clock=Ticking())


def test_a_detector_is_described_for_devices():
    welcome = welcome_of(FakeDetector())
    assert (welcome.model, welcome.subsets, welcome.score_threshold, welcome.models) == ("fake", 4, 0.5, ["fake"])
    assert welcome.grid(*PIXELS.shape[:2]) == GRID
    assert welcome_of(FakeDetector(), ["other", "fake"]).models == ["other", "fake"]


@pytest.mark.parametrize("mask", [None, np.eye(*GRID.shape, dtype=bool), np.ones(GRID.shape, bool)])
def test_objects_are_found_in_whole_and_in_mixed_frames(engine, mask):
    (inferred,) = outcomes(engine, work(mask=mask))
    assert np.abs(inferred.detections.boxes - FakeDetector().detect_batch([PIXELS])[0].boxes).max() <= 4
    assert (inferred.decode_s, inferred.inference_s) == (1, 1)


@pytest.mark.parametrize("mask", [np.eye(*GRID.shape, dtype=bool), np.ones(GRID.shape, bool)])
def test_regions_of_both_resolutions_may_come_in_one_picture(engine, mask):
    plan = OffloadPlan(downsampling_mask=mask, one_picture=True)
    encoded = encode_plan(PIXELS, grid=GRID, plan=plan)
    (one,) = outcomes(engine, work(mask=mask, full=encoded.full, low=encoded.low))
    (two,) = outcomes(engine, work(mask=mask))
    assert encoded.low == b""
    assert one.detections == two.detections


def test_what_it_made_of_an_offload_says_which_model_saw_what_and_how_many_tokens(engine):
    mask = np.ones(GRID.shape, bool)
    for inferred in outcomes(engine, work(mask=mask), work(mask=mask)):
        assert (inferred.model, inferred.batch_size, inferred.tokens, inferred.full_tokens) == ("fake", 2, 7, 9)
        assert (inferred.frame.grid, inferred.frame.mask.all()) == (GRID, True)


def test_a_batch_gives_each_frame_what_it_would_get_alone_at_its_own_threshold(engine):
    small = next(moving_squares(1, (128, 96)))
    works = [work(), work(small, score_threshold=0.95), work(mask=np.eye(*GRID.shape, dtype=bool)), work(small)]
    together = outcomes(engine, *works)
    for one, inferred in zip(works, together, strict=True):
        (alone,) = outcomes(engine, one)
        assert inferred.detections == alone.detections
    assert [len(inferred.detections) > 0 for inferred in together] == [True, False, True, True]


def test_a_frame_that_the_model_fails_on_does_not_fail_the_others():
    detector = Grudging(width=64)
    engine = Engine([detector], clock=Ticking())
    good, bad, other = outcomes(engine, work(), work(next(moving_squares(1, (128, 64)))), work())
    assert len(good.detections) == len(other.detections) == 2
    assert (type(bad), str(bad)) == (RuntimeError, "out of memory")
    assert detector.calls == [3, 1, 1, 1]


@pytest.mark.parametrize(
    ("tokens", "calls"), [(10**6, [4]), (2 * 64, [2, 2]), (2 * 64 - 1, [1, 1, 1, 1]), (1, [1] * 4)]
)
def test_pictures_go_through_the_model_in_groups_of_bounded_tokens(monkeypatch, tokens, calls):
    small = np.ascontiguousarray(PIXELS[:128, :128])  # four regions of 16 tokens
    works = [work(small), work(small, mask=np.eye(2, dtype=bool)), work(small), work(small)]
    together = outcomes(Engine([FakeDetector()], clock=Ticking()), *works)
    detector = Grudging(width=1)
    monkeypatch.setattr("foveate.server.engine.GROUP_TOKENS", tokens)
    grouped = outcomes(Engine([detector], clock=Ticking()), *works)
    assert detector.calls == calls
    assert [found.detections for found in grouped] == [found.detections for found in together]


def test_the_slices_of_a_4k_frame_are_one_group():
    slices, grid = Slicing().count([(2160, 4096)]), RegionGrid(height=1024, width=1024)
    assert slices * len(grid) * grid.region_size**2 == 77_760 <= GROUP_TOKENS


def test_each_model_sees_its_own_frames():
    engine = Engine([FakeDetector(name="a"), FakeDetector(name="b")], clock=Ticking())
    one = replace(work(), model="b")
    (inferred,) = engine.infer(Batch(model="b", works=(one,), decoded=(engine.decode(one),)))
    assert inferred.model == "b"


def test_bytes_that_are_no_frame_are_named(engine):
    with pytest.raises(CodecError):
        engine.decode(work(full=b"no JPEG"))
    with pytest.raises(CodecError):
        engine.decode(work(mask=np.eye(*GRID.shape, dtype=bool), low=b""))


def test_a_mask_of_another_size_is_named(engine):
    one = work(mask=np.eye(*GRID.shape, dtype=bool))
    assert len(one.offload.mask) == 1
    big = msgspec.structs.replace(one.offload, mask=bytes([1, 1, 1]))
    with pytest.raises(ProtocolError):
        engine.decode(replace(one, offload=big))
