"""MOTChallenge text, both ways."""

import numpy as np
import pytest

from foveate.core import Detections, InputError, MediaError
from foveate.metrics import Truth, read_mot, write_mot

NAMES = ("person", "car", "bicycle", "motorcycle")


def truth(boxes, class_id, *, scores=None, tracks=None, visible=None):
    scores = np.ones(len(boxes)) if scores is None else scores
    found = Detections(boxes=boxes, scores=scores, class_id=class_id, class_names=NAMES)
    return Truth(detections=found, track_ids=tracks, visible=visible)


def test_what_is_written_is_read_again(tmp_path):
    frames = {
        0: truth([(0, 0, 10.25, 20.5), (5, 6, 50, 60)], [0, 1], tracks=[3, 8], visible=[1, 0.5]),
        4: truth([(1, 2, 3, 4)], [3], scores=[0.3125], tracks=[3], visible=[0.25]),
    }
    write_mot(tmp_path / "gt.txt", frames)
    again = read_mot(tmp_path / "gt.txt")
    assert list(again) == [0, 4]
    for position, wanted in frames.items():
        got = again[position]
        assert np.allclose(got.detections.boxes, wanted.detections.boxes, atol=1e-4)
        assert np.array_equal(got.detections.scores, wanted.detections.scores)
        assert [NAMES[k] for k in wanted.detections.class_id] == [
            got.detections.class_names[k] for k in got.detections.class_id
        ]
        assert np.array_equal(got.track_ids, wanted.track_ids)
        assert np.allclose(got.visible, wanted.visible)


def test_an_object_of_score_0_is_read_again(tmp_path):
    write_mot(tmp_path / "gt.txt", {0: truth([(0, 0, 9, 9)], [1], scores=[0], visible=[0.5])})
    again = read_mot(tmp_path / "gt.txt")[0]
    assert again.detections.scores == pytest.approx(0)
    assert len(again.ignore) == 0


def test_lines_are_those_of_the_benchmark(tmp_path):
    """Frames and pixels count from 1 there."""
    write_mot(tmp_path / "gt.txt", {2: truth([(911, 483, 1008, 592)], [0], tracks=[1], visible=[0.86014])})
    assert (tmp_path / "gt.txt").read_text() == "3,1,912,484,97,109,1.0,1,0.86014\n"


def test_a_line_of_mot17_is_read(tmp_path):
    (tmp_path / "gt.txt").write_text("1,1,912,484,97,109,0,7,1\n1,2,1338,418,167,379,1,1,1\n1,3,5,5,9,9,1,12,0.5\n")
    frame = read_mot(tmp_path / "gt.txt")[0]
    assert frame.detections.boxes.tolist() == [[1337, 417, 1504, 796]]
    # conf 0, and a reflection (class 12), are there to be ignored
    assert frame.ignore.tolist() == [[911, 483, 1008, 592], [4, 4, 13, 13]]
    assert frame.track_ids.tolist() == [2]


def test_detections_of_mot15_have_no_class_and_no_track(tmp_path):
    (tmp_path / "det.txt").write_text("2,-1,10,20,30,40,0.75,-1,-1,-1\n")
    frames = read_mot(tmp_path / "det.txt", class_names=NAMES)
    assert list(frames) == [1]
    assert frames[1].detections.scores.tolist() == [0.75]
    assert frames[1].track_ids is None
    assert frames[1].detections.class_names == NAMES


def test_detections_without_tracks_are_written_with_minus_one(tmp_path):
    write_mot(tmp_path / "det.txt", {0: truth([(0, 0, 5, 5)], [0], scores=[0.5])})
    assert (tmp_path / "det.txt").read_text() == "1,-1,1,1,5,5,0.5,1,1\n"


def test_numbers_may_be_ones_own(tmp_path):
    write_mot(tmp_path / "gt.txt", {0: truth([(0, 0, 5, 5)], [1], tracks=[1])}, classes={9: "car"})
    assert ",9," in (tmp_path / "gt.txt").read_text()
    assert read_mot(tmp_path / "gt.txt", classes={9: "car"})[0].detections.class_names == ("car",)
    with pytest.raises(InputError, match="needs a number for class 'person'; known: car"):
        write_mot(tmp_path / "gt.txt", {0: truth([(0, 0, 5, 5)], [0])}, classes={9: "car"})
    with pytest.raises(InputError, match="must hold all names"):
        read_mot(tmp_path / "gt.txt", class_names=("car",))


@pytest.mark.parametrize(
    "line", ["1,2,3", "0,1,1,1,5,5,1,1,1", "a,1,1,1,5,5,1,1,1", "1,1,1,1,nan,5,1,1,1", "1,1e300,1,1,5,5,1,1,1"]
)
def test_a_line_that_is_none_is_named(tmp_path, line):
    (tmp_path / "gt.txt").write_text(f"1,1,1,1,5,5,1,1,1\n{line}\n")
    with pytest.raises(MediaError, match=r"gt.txt:2: expected frame"):
        read_mot(tmp_path / "gt.txt")


def test_a_byte_order_mark_and_blank_lines_are_skipped(tmp_path):
    (tmp_path / "gt.txt").write_text("1,1,1,1,5,5,1,1,1\r\n   \r\n", encoding="utf-8-sig")
    assert list(read_mot(tmp_path / "gt.txt")) == [0]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"cannot read .*absent.txt"):
        read_mot(tmp_path / "absent.txt")
