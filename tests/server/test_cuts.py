"""Offloads in parts and mixed slices through the engine, and through the session."""

import numpy as np
import pytest

from foveate.codec import encode_plan
from foveate.core import CodecError, Frame, ManualClock, OffloadPlan, RegionGrid, Slicing, View, split_regions
from foveate.core.mixed import join_regions
from foveate.device.flight import Flight
from foveate.device.parcels import offload_message
from foveate.network.messages import (
    Ack,
    Hello,
    PartsOffload,
    Probe,
    Probed,
    Stranger,
    decode_from_device,
    decode_from_server,
    encode,
)
from foveate.server import Engine, ServerSession, Work, welcome_of
from foveate.server.cuts import mixed_cuts, overlap_factor, parts_tokens
from foveate.server.work import Batch
from foveate.testing import FakeDetector, moving_squares

PIXELS = next(moving_squares(1, size=(300, 500)))
SIZE = PIXELS.shape[:2]
DETECTOR = FakeDetector()
GRID = DETECTOR.region_grid(*SIZE)
TRUTH = DETECTOR.detect_batch([PIXELS])[0]
SLICING = Slicing(side=200, overlap=0.5, merge_iou=0.25)


def message(plan):
    frame = Frame(pixels=PIXELS, index=7, captured_at=0.0)
    flight = Flight(offload_id=3, frame=frame, plan=plan, started_at=0.0)
    encoded = encode_plan(PIXELS, grid=GRID, plan=plan)
    return offload_message(flight, encoded, grid=GRID, score_threshold=0.5, patience_s=1.0)


@pytest.fixture
def run():
    """An offload through decoder and model."""
    engine = Engine([DETECTOR], clock=ManualClock())

    def through(*offloads):
        works = [Work(client=b"", model="fake", offload=o, tokens=1, full_tokens=1) for o in offloads]
        decoded = tuple(engine.decode(work) for work in works)
        return [o.detections for o in engine.infer(Batch(model="fake", works=tuple(works), decoded=decoded))]

    return through


def same_objects(found):
    order = np.argsort(found.boxes[:, 1])
    assert len(found) == len(TRUTH)
    assert np.abs(found.boxes[order] - TRUTH.boxes[np.argsort(TRUTH.boxes[:, 1])]).max() <= 4


PLANS = {
    "whole": OffloadPlan(views=(View.whole(SIZE),), jpeg_quality=95, slicing=SLICING),
    "unsliced": OffloadPlan(views=(View.whole(SIZE),), jpeg_quality=95),
    "two views": OffloadPlan(
        views=(View(top=0, left=0, bottom=150, right=500), View(top=130, left=0, bottom=300, right=500)),
        jpeg_quality=95,
        slicing=SLICING,
    ),
    "by class": OffloadPlan(
        importance_class=np.full((19, 32), 2, np.uint8), class_qualities=(10, 50, 95), slicing=SLICING
    ),
    "mixed slices": OffloadPlan(
        downsampling_mask=np.zeros(GRID.shape, bool), jpeg_quality=95, slicing=Slicing(side=192)
    ),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_slices_find_what_the_whole_frame_shows(run, plan):
    travelled = decode_from_device(encode(message(plan)))
    assert travelled == message(plan)
    same_objects(run(travelled)[0])


def test_offloads_of_every_kind_share_a_batch(run):
    found = run(*(message(plan) for plan in PLANS.values()))
    assert len(found) == len(PLANS)
    for detections in found:
        same_objects(detections)


def test_tokens_of_a_batch_are_those_of_all_slices():
    welcome = welcome_of(DETECTOR)
    whole = parts_tokens(message(PLANS["unsliced"]), welcome.grid)
    assert whole == GRID.tokens()
    slices = SLICING.count([SIZE])
    assert parts_tokens(message(PLANS["whole"]), welcome.grid) == slices * welcome.grid(200, 200).tokens()
    assert overlap_factor(GRID, 3) > 1
    assert overlap_factor(GRID, 100) == 1


def test_a_reduced_view_finds_the_objects_where_they_are(run):
    (found,) = run(message(OffloadPlan(views=(View.whole(SIZE, 0.5),), jpeg_quality=95)))
    assert np.abs(np.sort(found.boxes[:, 0]) - np.sort(TRUTH.boxes[:, 0])).max() <= 6


def test_parts_that_are_no_pictures_are_named(run):
    good = message(PLANS["whole"])
    bad = type(good.parts[0])(top=0, left=0, bottom=SIZE[0], right=SIZE[1], scale=1.0, data=b"no picture")
    broken = PartsOffload(**{name: getattr(good, name) for name in good.__struct_fields__} | {"parts": [bad]})
    with pytest.raises(CodecError):
        run(broken)


@pytest.mark.parametrize("side", [1, 2, 3, 20])
def test_mixed_slices_cover_the_frame_and_hold_its_pixels(side):
    mask = np.indices(GRID.shape).sum(axis=0) % 3 == 0
    mixed = split_regions(PIXELS, GRID, mask)
    whole = join_regions(mixed)
    covered = np.zeros(SIZE, int)
    for cut in mixed_cuts(mixed, side):
        (top, left), part = cut.corner, cut.picture
        height, width = part.grid.height, part.grid.width
        assert np.array_equal(join_regions(part), whole[top : top + height, left : left + width])
        covered[top : top + height, left : left + width] += 1
    assert covered.min() == 1


def test_mixed_slices_share_a_quarter_of_their_regions():
    mixed = split_regions(PIXELS, GRID)
    lefts = sorted({cut.corner[1] for cut in mixed_cuts(mixed, 4)})
    assert lefts == [0, 3 * GRID.region_pixels, 4 * GRID.region_pixels]


@pytest.mark.parametrize("side", [2, 5, 9, 10, 13, 18, 20])
def test_no_mixed_slice_shares_less_than_a_quarter_with_the_next(side):
    grid = RegionGrid(height=8, width=60 * 8, patch_size=4, window_size=1, downsampling_factor=2)
    mixed = split_regions(np.zeros((8, 60 * 8, 3), np.uint8), grid)
    lefts = np.array([cut.corner[1] for cut in mixed_cuts(mixed, side)]) // grid.region_pixels
    assert (side - np.diff(lefts)).min() >= side / 4


def test_the_session_serves_parts_and_probes_of_those_who_greeted():
    session = ServerSession(welcome_of(DETECTOR))
    probe, parts = encode(Probe(number=5, padding=bytes(100))), encode(message(PLANS["whole"]))
    for payload in (probe, parts):
        (reply,) = session.receive(b"a", payload, 0.0)
        assert decode_from_server(reply.payload) == Stranger()
    session.receive(b"a", encode(Hello()), 0.0)
    (reply,) = session.receive(b"a", probe, 0.0)
    assert decode_from_server(reply.payload) == Probed(number=5)
    (reply,) = session.receive(b"a", parts, 0.0)
    assert decode_from_server(reply.payload) == Ack(offload_id=3)


def test_the_message_says_in_regions_how_a_mixed_frame_is_sliced():
    assert message(OffloadPlan()).slice_regions == 0
    assert message(PLANS["mixed slices"]).slice_regions == 3
