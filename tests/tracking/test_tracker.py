import json
from itertools import islice

import numpy as np
import pytest

from foveate.codec import VideoReader
from foveate.core import Detections, InputError
from foveate.metrics import iou_matrix
from foveate.tracking import Tracker, reduce

BOX = (500.0, 200.0, 700.0, 500.0)


def run(result, pictures, **options):
    """A tracker that started at the first picture and saw the others."""
    tracker = Tracker(**options)
    tracker.restart(result, reduce(pictures[0]))
    for pixels in pictures[1:]:
        tracker.advance(reduce(pixels))
    return tracker


def ious(tracker, *boxes):
    return iou_matrix(tracker.detections().boxes, np.array(boxes, np.float32)).diagonal()


def test_boxes_move_with_the_picture(found, view):
    tracker = run(found(BOX, (900, 300, 960, 420)), [view(-8 * k, 5 * k) for k in range(11)])
    assert ious(tracker, (580, 150, 780, 450), (980, 250, 1040, 370)).min() > 0.97
    assert tracker.retention == 1


def test_portrait_and_4k_boxes_move_in_their_own_pixels(found, view):
    tracker = run(found((100, 900, 300, 1200)), [view(-6 * k, 9 * k, size=(1920, 1080)) for k in range(6)])
    assert ious(tracker, (130, 855, 330, 1155))[0] > 0.97
    large = [view(-5 * k, 0, zoom=3, size=(2160, 3840)) for k in range(4)]
    assert ious(run(found((1500, 600, 2100, 1500)), large), (1545, 600, 2145, 1500))[0] > 0.97


def test_boxes_grow_and_shrink_with_the_picture(found, view):
    middle = np.array([640, 360, 640, 360])
    for rate in (1.02, 0.98):
        tracker = run(found(BOX), [view(zoom=1.2 * rate**k) for k in range(11)])
        truth = (np.array(BOX) - middle) * rate**10 + middle
        assert ious(tracker, truth)[0] > 0.9
        still = iou_matrix(np.array([BOX], np.float32), truth[None].astype(np.float32))[0, 0]
        assert still < 0.75


def test_an_object_that_disappears_behind_another_is_lost_and_the_rest_goes_on(found, view):
    rng = np.random.default_rng(3)
    pictures = [view(-4 * k, 0) for k in range(8)]
    for pixels in pictures[3:]:
        pixels[180:540, 480:760] = rng.integers(0, 256, (360, 280, 3))
    result = found(BOX, (100, 100, 250, 300), (900, 400, 1000, 600))
    tracker = run(result, pictures)
    shown = tracker.detections()
    assert shown.scores.tolist() == result.scores[[1, 2]].tolist()
    assert shown.class_id.tolist() == result.class_id[[1, 2]].tolist()
    assert tracker.retention == pytest.approx(2 / 3)


def test_a_lost_object_does_not_come_back_before_the_next_result(found, view):
    rng = np.random.default_rng(3)
    pictures = [view() for _ in range(8)]
    for pixels in pictures[3:5]:
        pixels[180:540, 480:720] = rng.integers(0, 256, (360, 240, 3))
    tracker = run(found(BOX), pictures)
    assert len(tracker.detections()) == 0
    assert tracker.retention == 0
    tracker.restart(found(BOX), reduce(pictures[-1]))
    assert tracker.retention == 1


def test_an_object_that_leaves_counts_neither_as_tracked_nor_as_lost(found, view):
    pictures = [view(12 * k, 0) for k in range(16)]  # the picture moves left by 180 pixels
    leaving, staying = (10, 200, 130, 500), (600, 200, 800, 500)
    tracker = run(found(leaving, staying), pictures)
    assert ious(tracker, (420, 200, 620, 500))[0] > 0.95
    assert len(tracker.detections()) == 1
    assert tracker.retention == 1


def test_also_one_that_leaves_too_fast_for_its_points(found, view):
    tracker = run(found((10, 250, 70, 350)), [view(k, 0) for k in (0, 20, 40, 160)])
    assert len(tracker.detections()) == 0
    assert tracker.retention == 1


def test_retention_counts_losses_over_what_did_not_leave(found, view):
    """Four objects: one leaves, one is lost, two stay: 2 / 3."""
    rng = np.random.default_rng(3)
    pictures = [view(12 * k, 0) for k in range(16)]
    for pixels in pictures[8:]:
        pixels[100:600, 300:640] = rng.integers(0, 256, (500, 340, 3))
    boxes = (10, 200, 130, 500), (560, 200, 640, 500), (1000, 100, 1100, 300), (1100, 400, 1200, 600)
    tracker = run(found(*boxes), pictures)
    assert tracker.detections().boxes[:, 0] == pytest.approx([820, 920], abs=3)
    assert tracker.retention == pytest.approx(2 / 3)


def test_boxes_are_clipped_only_for_output(found, view):
    pictures = [view(10 * k, 0) for k in (*range(8), *range(7, -1, -1))]  # out by 70 pixels, and back again
    there = run(found((20, 200, 220, 500)), pictures[:8])
    assert there.detections().boxes[0] == pytest.approx([0, 200, 150, 500], abs=3)
    back = run(found((20, 200, 220, 500)), pictures)
    assert back.detections().boxes[0] == pytest.approx([20, 200, 220, 500], abs=4)


def test_a_box_cut_off_by_the_border_stays_open_on_that_side(found, view):
    pictures = [view(-10 * k, 0) for k in range(8)]  # the picture moves right by 70 pixels
    shown = run(found((0, 200, 220, 500), (300, 200, 400, 300)), pictures).detections()
    assert shown.boxes[0] == pytest.approx([0, 200, 290, 500], abs=3)
    assert shown.boxes[1] == pytest.approx([370, 200, 470, 300], abs=3)


def test_an_object_on_a_plain_surface_is_lost(found):
    plain = np.full((720, 1280, 3), 90, np.uint8)
    tracker = run(found(BOX), [plain, plain])
    assert tracker.retention == 0


def test_a_box_without_area_or_outside_the_frame_does_no_harm(found, view):
    tracker = run(found((50, 50, 50, 50), (-90, -90, -20, -20), BOX), [view(), view(-4, 0)])
    assert tracker.detections().boxes[-1] == pytest.approx([504, 200, 704, 500], abs=1)
    assert tracker.retention == 1


def test_catching_up_is_advancing_over_all_frames(found, view):
    frames = [reduce(view(-5 * k, 3 * k)) for k in range(8)]
    one, other = Tracker(), Tracker()
    for tracker in (one, other):
        tracker.restart(found(BOX), frames[0])
    one.catch_up(frames[1:])
    for grey in frames[1:]:
        other.advance(grey)
    assert one.detections() == other.detections()


def test_catching_up_with_a_stride_looks_at_every_such_frame_and_at_the_last(found, view):
    frames = [reduce(view(-5 * k, 3 * k)) for k in range(9)]
    strided, chosen = Tracker(stride=3), Tracker()
    for tracker in (strided, chosen):
        tracker.restart(found(BOX), frames[0])
    strided.catch_up(frames[1:])
    chosen.catch_up([frames[2], frames[5], frames[8]])
    assert strided.detections() == chosen.detections()
    assert ious(strided, (540, 176, 740, 476))[0] > 0.97


def test_frames_of_another_size_boxes_without_numbers_and_bad_strides_are_refused(found, view):
    tracker = run(found(BOX), [view()])
    with pytest.raises(InputError, match=r"tracking began in a frame of \(720, 1280\), got one of \(360, 640\)"):
        tracker.advance(reduce(view(size=(360, 640))))
    with pytest.raises(InputError, match="must be finite numbers"):
        tracker.restart(found((0, 0, np.nan, 5)), reduce(view()))
    with pytest.raises(InputError, match="stride must be at least 1, got 0"):
        Tracker(stride=0)


@pytest.mark.parametrize(("name", "share"), [("plaza-720p", 0.7), ("highway-540p", 0.85)])
def test_on_a_real_clip_most_boxes_are_where_an_independent_detector_sees_them(shared_data, name, share):
    clip = shared_data / "videos" / f"{name}.mp4"
    if not clip.is_file():
        pytest.skip(f"no clip at {clip}")
    boxes = pseudo_boxes(clip.with_suffix(".pseudo.json"))
    with VideoReader(clip) as reader:
        greys = [reduce(pixels) for pixels in islice(reader, 101)]
    moved, still = [], []
    for start in range(0, 100, 10):
        tracker, (first, scores) = Tracker(), boxes[start]
        sure, later = first[scores >= 0.35], boxes[start + 10][0]
        result = Detections(boxes=sure, scores=np.ones(len(sure)), class_id=np.zeros(len(sure)), class_names=("any",))
        tracker.restart(result, greys[start])
        tracker.catch_up(greys[start + 1 : start + 11])
        moved += (iou_matrix(tracker.detections().boxes, later).max(axis=1) >= 0.5).tolist()
        still += (iou_matrix(sure, later).max(axis=1) >= 0.5).tolist()
    assert len(moved) > 20
    assert np.mean(moved) > max(share, np.mean(still))


def pseudo_boxes(path):
    """Frame -> (boxes, scores)."""
    rows = {}
    for entry in json.loads(path.read_text())["annotations"]:
        x, y, w, h = entry["bbox"]
        rows.setdefault(entry["image_id"], []).append((x, y, x + w, y + h, entry["score"]))
    tables = {frame: np.array(values, np.float32) for frame, values in rows.items()}
    return {frame: (table[:, :4], table[:, 4]) for frame, table in tables.items()}
