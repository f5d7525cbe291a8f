"""What configurations bring on the frames of a clip: observed once, kept line by line, turned into rows."""

from dataclasses import replace

import numpy as np
import pytest

from foveate.codec import VideoReader
from foveate.core import InputError, MediaError
from foveate.profiling import ContentSampling, measure_content, read_observations, rows_of
from foveate.profiling.content import LONGEST_TRACK
from foveate.profiling.rows import tried
from foveate.testing import FakeDetector, write_clip

FRAMES = 60
SAMPLING = ContentSampling(every=10, per_frame=6, complete=1)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", frames=FRAMES)


@pytest.fixture(scope="module")
def kept(clip):
    path = clip.with_name("observations.jsonl")
    measure_content(clip, FakeDetector(), path, sampling=SAMPLING)
    return path


def test_every_tenth_frame_is_observed_and_one_of_them_completely(kept):
    found = read_observations(kept)
    assert [o.frame for o in found] == [9, 19, 29, 39, 49, 59]
    counts = sorted(len(o.trials) for o in found)
    assert counts[:-1] == [6] * 5
    assert counts[-1] > 6


def test_objects_come_from_an_offload_of_1_to_30_frames_ago(kept):
    ages = [o.last.frames_ago for o in read_observations(kept)]
    assert all(1 <= age <= LONGEST_TRACK for age in ages)
    assert len(set(ages)) > 1


def test_before_the_first_result_the_last_offload_is_a_whole_frame(kept):
    first = read_observations(kept)[0].last
    assert (first.jpeg_quality, first.downsampled_share) == (95, 0)


def test_configurations_of_a_frame_differ(kept):
    for o in read_observations(kept):
        keys = {(t.downsampling_type, t.jpeg_quality, t.restoration_point) for t in o.trials}
        assert len(keys) == len(o.trials)


def test_a_second_measurement_infers_nothing(clip, kept):
    class Never(FakeDetector):
        def detect_batch(self, *args, **options):
            raise AssertionError

    assert len(measure_content(clip, Never(), kept, sampling=SAMPLING)) == 6


def test_a_damaged_line_is_named(clip, kept, tmp_path):
    lines = kept.read_bytes().splitlines(keepends=True)
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_bytes(lines[0] + lines[1][40:] + lines[2])
    with pytest.raises(MediaError, match=r"damaged.jsonl:2 is damaged"):
        measure_content(clip, FakeDetector(), damaged, sampling=SAMPLING)


def test_every_frame_but_the_first_can_be_observed(clip, tmp_path):
    sampling = ContentSampling(every=1, per_frame=1, until=3)
    assert [o.frame for o in measure_content(clip, FakeDetector(), tmp_path / "o.jsonl", sampling=sampling)] == [1, 2]


def test_frames_of_a_clip_that_does_not_say_how_many_it_has_are_counted(clip, kept, tmp_path, monkeypatch):
    """As of raw H.264 or a recording that was never closed."""
    monkeypatch.setattr(VideoReader, "_count", lambda self: None)
    path = tmp_path / "o.jsonl"
    measure_content(clip, FakeDetector(), path, sampling=SAMPLING)
    assert path.read_bytes() == kept.read_bytes()


@pytest.mark.parametrize("wrong", [{"every": 0}, {"per_frame": -1}, {"complete": -1}])
def test_sampling_out_of_range_is_refused(wrong):
    with pytest.raises(InputError, match="need one frame of every 1 or more"):
        ContentSampling(**wrong)


def test_an_interrupted_measurement_goes_on_to_the_same_file(clip, kept, tmp_path):
    lines = kept.read_bytes().splitlines(keepends=True)
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(b"".join(lines[:2]) + lines[2][:40])
    measure_content(clip, FakeDetector(), torn, sampling=SAMPLING)
    assert torn.read_bytes() == kept.read_bytes()


def test_more_configurations_are_tried_on_top_of_those_that_were(clip, kept, tmp_path):
    few = tmp_path / "few.jsonl"
    measure_content(clip, FakeDetector(), few, sampling=replace(SAMPLING, per_frame=2, complete=0))
    grown = measure_content(clip, FakeDetector(), few, sampling=SAMPLING)
    assert grown == read_observations(kept)


def test_frames_after_a_cut_are_left_out(clip, tmp_path):
    sampling = ContentSampling(every=10, per_frame=2, until=25)
    found = measure_content(clip, FakeDetector(), tmp_path / "o.jsonl", sampling=sampling)
    assert [o.frame for o in found] == [9, 19]


def test_rows_carry_features_sizes_and_scores_of_the_trials(kept):
    found = read_observations(kept)
    rows = rows_of(found, clip=3)
    assert len(rows) == sum(len(o.trials) for o in found)
    assert set(rows.columns["clip"]) == {3}
    assert ((rows.accuracy >= 0) & (rows.accuracy <= 1)).all()
    pixels = found[0].grid.height * found[0].grid.width
    assert rows.bytes_per_pixel[0] == found[0].trials[0].size_bytes / pixels
    assert rows.columns["jpeg_quality"][:6].tolist() == [t.jpeg_quality for t in found[0].trials]
    assert all(np.isfinite(values).all() for values in rows.columns.values())


def test_candidates_of_an_observation_are_those_that_were_tried(kept):
    for o in read_observations(kept):
        candidates = tried(o)
        for index, trial in enumerate(o.trials):
            mask = candidates.masks[int(candidates.downsampling_type[index])]
            assert candidates.restoration_point[index] == trial.restoration_point
            assert candidates.downsampled_regions[index] == mask.sum()
            assert mask.any() == (trial.low_bytes > 0)


def test_a_clip_without_observations_is_refused():
    with pytest.raises(InputError, match="no configuration was measured"):
        rows_of([])
