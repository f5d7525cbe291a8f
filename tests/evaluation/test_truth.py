import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foveate.core import Detections, MediaError
from foveate.evaluation.lab.references import _exact, _pseudo, independent_truths
from foveate.evaluation.truth import exact_truth, model_truth, truth_key
from foveate.metrics import AnnotatedImage, Truth, write_coco
from foveate.server import welcome_of
from foveate.testing import FakeDetector, write_clip

FRAMES = 5


class Counting(FakeDetector):
    calls = 0

    def detect_batch(self, *args, **options):
        Counting.calls += 1
        return super().detect_batch(*args, **options)


@pytest.fixture
def clip(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    Counting.calls = 0
    return write_clip(tmp_path / "clip.mp4", frames=FRAMES, size=(64, 96))


def key_of(clip, detector=None):
    return truth_key(clip, welcome_of(detector or FakeDetector()))


def truth(clip, key=None, load=Counting):
    return model_truth(clip, key or key_of(clip), load, lambda done: None)


def test_it_is_computed_once_and_read_back_the_same(clip):
    first = truth(clip)
    assert Counting.calls == len(first) == FRAMES
    assert all(len(frame) == 2 for frame in first)
    assert truth(clip) == first
    assert Counting.calls == FRAMES


def test_it_belongs_to_one_clip_one_set_of_weights_and_one_threshold(clip):
    truth(clip)
    other = FakeDetector()
    other.weights_hash = "other"
    truth(clip, key_of(clip, other))
    strict = FakeDetector()
    strict.score_threshold = 0.95
    truth(clip, key_of(clip, strict))
    write_clip(clip, frames=FRAMES, size=(64, 128))
    truth(clip)
    assert Counting.calls == 4 * FRAMES


def test_a_stopped_computation_goes_on_where_it_was(clip, monkeypatch):
    monkeypatch.setattr("foveate.evaluation.truth._CHECKPOINT_S", 0.0)

    class Stopped(Counting):
        def detect_batch(self, *args, **options):
            if Counting.calls == 3:
                raise KeyboardInterrupt
            return super().detect_batch(*args, **options)

    with pytest.raises(KeyboardInterrupt):
        truth(clip, load=Stopped)
    assert len(truth(clip)) == FRAMES
    assert Counting.calls == FRAMES


def test_a_file_beside_the_clip_is_used_if_it_fits(clip, tmp_path, monkeypatch):
    first = truth(clip)
    (cached,) = (tmp_path / "home" / "truth").iterdir()
    cached.rename(clip.with_suffix(".truth.json"))
    assert truth(clip) == first
    assert Counting.calls == FRAMES
    content = json.loads(clip.with_suffix(".truth.json").read_text())
    content["key"]["weights_hash"] = "of another model"
    clip.with_suffix(".truth.json").write_text(json.dumps(content))
    assert truth(clip) == first
    assert Counting.calls == 2 * FRAMES


def test_a_torn_cache_is_computed_again(clip, tmp_path):
    truth(clip)
    (cached,) = (tmp_path / "home" / "truth").iterdir()
    cached.write_bytes(cached.read_bytes()[:100])
    assert len(truth(clip)) == FRAMES
    assert Counting.calls == 2 * FRAMES


def test_a_cache_with_a_damaged_name_is_computed_again(clip, tmp_path):
    truth(clip)
    (cached,) = (tmp_path / "home" / "truth").iterdir()
    cached.write_bytes(cached.read_bytes().replace(b"fake", b"f\xffke"))
    assert len(truth(clip)) == FRAMES
    assert Counting.calls == 2 * FRAMES


def test_results_that_cannot_be_kept_serve_this_once(clip, tmp_path, caplog):
    (tmp_path / "home").write_text("a file where the folder should be")
    assert len(truth(clip)) == FRAMES
    (line,) = caplog.messages
    assert line.startswith(f"the truth is not kept: cannot write {tmp_path / 'home' / 'truth'}")
    assert "FOVEATE_HOME" in line
    assert len(truth(clip)) == FRAMES
    assert Counting.calls == 2 * FRAMES


def test_the_unfinished_file_of_another_run_is_left_alone(clip, tmp_path):
    """Two runs of one new clip end at about the same time: each puts a file of its own into place."""
    other = tmp_path / "home" / "truth" / f"{key_of(clip).file_name}.part"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"half of it")
    truth(clip)
    assert other.read_bytes() == b"half of it"


def test_a_full_disk_is_tried_once_on_the_way_and_once_at_the_end(clip, tmp_path, monkeypatch, caplog):
    def full(draft, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr("foveate.evaluation.truth._CHECKPOINT_S", 0.0)
    assert len(truth(clip)) == FRAMES
    assert len(caplog.messages) == 2
    assert all("No space left on device; FOVEATE_HOME" in line for line in caplog.messages)
    assert list((tmp_path / "home" / "truth").iterdir()) == []


def test_pictures_that_are_no_frames_of_a_clip_are_no_truth_of_it(clip):
    """As an annotation tool writes them for pictures that were cut out of a clip."""
    picture = AnnotatedImage(file_name="000001.png", size=(64, 96), truth=Truth(detections=Detections.empty(("car",))))
    write_coco(clip.with_suffix(".json"), [picture])
    assert exact_truth(clip, size=(64, 96)) is None


def test_exact_truth_lies_beside_rendered_clips(clip):
    assert exact_truth(clip, size=(64, 96)) is None
    boxes = Detections(boxes=[[0, 0, 20, 40], [0, 0, 9, 0.5]], scores=[1, 1], class_id=[0, 0], class_names=("car",))
    images = [
        AnnotatedImage(file_name="clip.mp4", size=(64, 96), frame=index, truth=Truth(detections=boxes))
        for index in range(3)
    ]
    write_coco(clip.with_suffix(".json"), images)
    found = exact_truth(clip, size=(64, 96))
    assert sorted(found) == [0, 1, 2]
    assert len(found[0].detections) == 1
    assert len(found[0].ignore) == 1  # too small to count


def test_exact_truth_that_is_none_is_one_clear_line(clip):
    clip.with_suffix(".json").write_text("{}")
    with pytest.raises(MediaError):
        exact_truth(clip, size=(64, 96))


def boxes_for(size, *, score=1.0):
    boxes = Detections(boxes=[[0, 0, 20, 40]], scores=[score], class_id=[0], class_names=("car",))
    return [AnnotatedImage(file_name="clip.mp4", size=size, frame=0, truth=Truth(detections=boxes))]


@pytest.mark.parametrize("beside", [".json", ".pseudo.json"])
def test_truth_for_frames_of_another_size_is_one_clear_line(clip, beside):
    write_coco(clip.with_suffix(beside), boxes_for((128, 192)))
    with pytest.raises(
        MediaError, match=r"clip\..*json: its boxes are for frames of 128 x 192, those of .* have 64 x 96"
    ):
        independent_truths(clip, size=(64, 96))


@pytest.mark.parametrize("beside", [".json", ".pseudo.json"])
def test_boxes_of_other_clips_in_the_same_file_are_no_truth(clip, beside):
    def listed(*names):
        images = [replace(image, file_name=f"videos/{name}") for name in names for image in boxes_for((64, 96))]
        return [replace(image, frame=place) for place, image in enumerate(images)]

    def found(*names):
        write_coco(clip.with_suffix(beside), listed(*names))
        _exact.cache_clear()
        _pseudo.cache_clear()
        (truths,) = independent_truths(clip, size=(64, 96)).values()
        return sorted(truths)

    assert found("other.mp4", "clip.mp4", "other.mp4") == [1]
    assert found("before-it-was-renamed.mp4", "before-it-was-renamed.mp4") == [0, 1]
    assert found("000000.png", "000001.png") == [0, 1]
    with pytest.raises(MediaError, match=r"its boxes are for 2 clips, a\.mp4 first; none is clip\.mp4"):
        found("a.mp4", "b.mp4")


@pytest.mark.parametrize("told", [(0, 0), (63, 95)], ids=["not told", "before odd sides became even"])
def test_truth_without_a_size_or_for_odd_sides_is_truth(clip, told):
    write_coco(clip.with_suffix(".json"), boxes_for(told))
    assert len(exact_truth(clip, size=(64, 96))[0].detections) == 1


def test_cached_boxes_are_rounded_and_fresh_ones_too(clip):
    class Odd(FakeDetector):
        def detect_batch(self, frames, *args, **options):
            (seen,) = super().detect_batch(frames, *args, **options)
            return [seen.scaled(1 / 3, 1 / 3)]

    fresh = truth(clip, load=Odd)
    assert fresh == truth(clip, load=Odd)
    assert np.allclose(fresh[0].boxes, np.round(fresh[0].boxes, 2))
