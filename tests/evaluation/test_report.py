"""Scores, summaries and pictures of a run that is made up."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from tests.welcome import NAMES, WELCOME

from foveate.codec import VideoReader
from foveate.core import Detections, OffloadPlan, OffloadRecord, RegionGrid
from foveate.device import Clip, OffloadDone, draw
from foveate.evaluation.annotate import annotate
from foveate.evaluation.live_log import LiveLog, Shown
from foveate.evaluation.report import summary_table
from foveate.evaluation.score import NO_SCORES, inference_f1, rendering_f1, score
from foveate.evaluation.summary import choices, live_figures, spread
from foveate.evaluation.truth import exact_truth
from foveate.metrics import AnnotatedImage, Truth, write_coco
from foveate.server import welcome_of
from foveate.testing import FakeDetector, moving_squares, write_clip

NOTHING = Detections.empty(NAMES)


def at(x):
    return Detections(boxes=[[x, 10, x + 30, 40]], scores=[0.9], class_id=[1], class_names=NAMES)


def shown(frame, source, detections):
    staleness = None if source is None else (frame + 1 - source) / 10
    return Shown(frame=frame, source_frame=source, staleness_s=staleness, detections=detections)


def done(number, frame, *, latency_s, result, size=1000, mask=None):
    record = OffloadRecord(
        offload_id=number,
        frame_index=frame,
        started_at=1.0,
        finished_at=1.0 + latency_s,
        plan=OffloadPlan(downsampling_mask=mask),
        payload_bytes=size,
        encode_s=0.1 * latency_s,
        uplink_s=0.4 * latency_s,
        decode_s=0.0,
        inference_s=0.3 * latency_s,
        downlink_s=0.2 * latency_s,
        rtt_s=0.04,
        failed=result is None,
    )
    return OffloadDone(record=record, captured_at=1.0, result=result)


@pytest.fixture
def log():
    """Four frames of an object that moves by 100; frame 0 was seen at frames 1 and 2, frame 2 wrongly at frame 3."""
    mask = np.zeros((2, 3), np.bool_)
    mask[0, 0] = True
    return LiveLog(
        welcome=WELCOME,
        shown=[shown(0, None, NOTHING), shown(1, 0, at(0)), shown(2, 0, at(0)), shown(3, 2, at(500))],
        offloads=[
            done(0, 0, latency_s=0.1, result=at(0)),
            done(1, 2, latency_s=0.3, result=at(500), size=3000, mask=mask),
            done(2, 3, latency_s=5.0, result=None),
        ],
        dropped_frames=1,
    )


def test_each_frame_is_scored_on_its_own_truth(log):
    truth = {index: Truth(detections=at(0 if index < 2 else 100)) for index in range(4)}
    rendering = rendering_f1(log, truth, lambda index: index)
    assert (rendering.total.tp, rendering.total.fp, rendering.total.fn) == (1, 2, 3)
    inference = inference_f1(log, truth, lambda index: index)
    assert (inference.total.tp, inference.total.fp, inference.total.fn) == (1, 1, 1)


def test_frames_are_looked_up_by_their_place_in_the_file_and_left_out_without_truth(log):
    truth = {7: Truth(detections=at(0))}
    counter = rendering_f1(log, truth, lambda index: 7 if index == 1 else 99)
    assert (counter.frames, counter.f1) == (1, 1.0)


def test_a_crowd_of_persons_hides_no_false_alarm_of_cars(log):
    crowd, nobody = np.array([[0, 0, 200, 200]]), Truth(detections=NOTHING)
    for name, wrong in (("person", 1), ("car", 0)):
        truth = {1: replace(nobody, ignore=crowd, ignore_class=np.array([NAMES.index(name)]))}
        assert rendering_f1(log, truth, lambda index: index).total.fp == wrong


def test_a_clip_with_exact_truth_is_scored_against_both(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", frames=4, fps=10)
    (own, *_) = FakeDetector().detect_batch(list(moving_squares(1)))
    only_persons = own.select(own.class_id == 0)
    images = [
        AnnotatedImage(file_name="clip.mp4", size=(128, 192), frame=index, truth=Truth(detections=only_persons))
        for index in range(3)
    ]
    write_coco(path.with_suffix(".json"), images)
    log = LiveLog(shown=[shown(0, None, NOTHING), shown(1, 0, own)], offloads=[done(0, 0, latency_s=0.1, result=own)])
    welcome = welcome_of(FakeDetector())
    with Clip(path) as clip:
        exact = exact_truth(path, size=clip.size)
        scores = score(log, clip=clip, welcome=welcome, exact=exact, load=FakeDetector, progress=lambda done: None)
    assert scores["truth_model"] == "fake"
    assert scores["rendering_f1"] == pytest.approx(2 / 3)  # two objects in each of two frames, two of the four seen
    assert scores["inference_f1"] == 1.0
    assert scores["rendering_f1_exact"] == {
        "all": pytest.approx(0.5),
        "classes": pytest.approx({"person": 2 / 3, "car": 0}),
    }


def test_what_nothing_was_compared_for_has_no_score(tmp_path):
    """Without an answer of the server there is no inference to score, neither by the model nor by exact truth."""
    path = write_clip(tmp_path / "clip.mp4", frames=4, fps=10)
    (own, *_) = FakeDetector().detect_batch(list(moving_squares(1)))
    image = AnnotatedImage(file_name="clip.mp4", size=(128, 192), frame=3, truth=Truth(detections=own))
    write_coco(path.with_suffix(".json"), [image])
    log = LiveLog(shown=[shown(0, None, NOTHING)], offloads=[done(0, 0, latency_s=5.0, result=None)])
    with Clip(path) as clip:
        welcome = welcome_of(FakeDetector())
        exact = exact_truth(path, size=clip.size)
        scores = score(log, clip=clip, welcome=welcome, exact=exact, load=FakeDetector, progress=lambda done: None)
    assert scores["inference_f1"] is None
    assert scores["rendering_f1_exact"] == scores["inference_f1_exact"] == {"all": None, "classes": {}}
    assert scores["rendering_f1"] == 0
    assert scores["ceiling_f1_exact"]["all"] is not None
    console = Console(record=True, width=100)
    console.print(summary_table({"policy": "p", "trace": "t", **live_figures(log), **scores}))
    assert console.export_text().count("1.000") == 1  # the ceiling alone


def test_figures_of_a_run(log):
    figures = live_figures(log)
    assert (figures["frames"], figures["dropped_frames"]) == (4, 1)
    assert (figures["offloads"], figures["failed_offloads"]) == (3, 1)
    assert figures["e2e_latency_s"] == pytest.approx({"mean": 0.2, "p50": 0.2, "p90": 0.28})
    assert figures["stages_s"] == pytest.approx(
        {"encode": 0.02, "uplink": 0.08, "decode": 0.0, "inference": 0.06, "downlink": 0.04}
    )
    assert figures["offload_interval_frames"] == pytest.approx({"mean": 1.5, "p50": 1.5, "p90": 1.9})
    assert figures["bytes_per_offload"] == {"mean": 2000, "p50": 2000}


def test_choices_are_counted_word_by_word():
    plans = [OffloadPlan(reason=reason) for reason in ("knee", "lost stale", "stale", "")]
    records = [SimpleNamespace(plan=plan) for plan in plans]
    assert choices(records) == {"knee": 1, "lost": 1, "stale": 2}


def test_a_run_without_results_has_empty_figures_and_still_a_table():
    figures = live_figures(LiveLog())
    assert figures["e2e_latency_s"] == {"mean": None, "p50": None, "p90": None}
    assert figures["stages_s"]["uplink"] is None
    console = Console(record=True, width=100)
    console.print(summary_table({"policy": "p", "trace": "t", **figures, **NO_SCORES}))
    assert "rendering F1" in console.export_text()


def test_spread_of_one_value():
    assert spread([3.0]) == {"mean": 3.0, "p50": 3.0, "p90": 3.0}


def test_a_drawing_is_a_copy_that_marks_boxes_and_regions():
    grid = RegionGrid(height=128, width=192, window_size=2)
    pixels = np.full((128, 192, 3), 200, np.uint8)
    mask = np.zeros(grid.shape, np.bool_)
    mask[1, 2] = True
    picture = draw(pixels, at(20), grid=grid, mask=mask, status="status")
    assert (pixels == 200).all()
    assert picture.shape == pixels.shape
    assert picture[90, 160].mean() < picture[20, 160].mean() - 30  # tinted against not
    assert (picture[40, 25:45] != 200).any()
    assert (draw(pixels, NOTHING) == pixels).all()


@pytest.mark.parametrize("box", [[-50, -50, 10, 10], [180, 120, 400, 300], [5, 5, 5, 5]])
def test_boxes_beyond_the_frame_can_be_drawn(box):
    detections = Detections(boxes=[box], scores=[1], class_id=[0], class_names=NAMES)
    assert draw(np.zeros((128, 192, 3), np.uint8), detections).shape == (128, 192, 3)


def test_the_annotated_video_has_every_frame_in_its_place(log, tmp_path):
    path = write_clip(tmp_path / "clip.mp4", frames=4, fps=10)
    told = []
    with Clip(path) as clip:
        annotate(tmp_path / "annotated.mp4", clip, log, welcome=WELCOME, policy="p", progress=told.append)
    with VideoReader(tmp_path / "annotated.mp4") as reader:
        pictures = list(reader)
    assert len(pictures) == 4
    assert told == [1, 2, 3, 4]
    top_left = [picture[50, 50].mean() for picture in pictures]
    assert top_left[3] < top_left[1] - 10  # region (0, 0) was downsampled in the offload that frame 3 shows
