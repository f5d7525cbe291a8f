"""From experiments to cells, and what a cell's key depends on."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from foveate.codec import VideoReader
from foveate.core import InputError
from foveate.evaluation.lab import Contender, Experiment, Machine, Uplink, Variation, Video, segment
from foveate.evaluation.lab.cell import Cell
from foveate.evaluation.lab.cells import cells_of, traces_of
from foveate.evaluation.lab.prepare import ClipFacts
from foveate.evaluation.lab.run_cell import run_cell
from foveate.evaluation.lab.segment import FramesByPosition, Segment, played_positions
from foveate.evaluation.offsets import drawn_offset
from foveate.network import UplinkTrace
from foveate.network.messages import Welcome
from foveate.testing.detectors_by_name import fake_model
from foveate.testing.profiles import round_profile

FACTS = ClipFacts(sha256="aa", truths="-+-", size=(128, 192), fps=30.0, frames=24)
WELCOME = Welcome(
    model="fake",
    weights_hash="hash",
    class_names=["person"],
    score_threshold=0.5,
    patch_size=16,
    window_size=2,
    downsampling_factor=2,
    subsets=4,
)


def cells(experiment) -> list[Cell]:
    found = cells_of(experiment, {v.path: FACTS for v in experiment.videos}, {"fake": WELCOME})
    return [cell for _, cell in found]


def test_clips_traces_machines_and_offsets_are_crossed_with_contenders(experiment, inputs):
    crossed = experiment(
        videos=tuple(Video(path=inputs / f"clip{n}.mp4", model="fake", kind="real") for n in range(2)),
        uplinks=(Uplink(path=inputs / "fast.csv"), Uplink(path=inputs / "slow.csv")),
        machines=tuple(Machine(profile=str(inputs / "round.json"), variation=Variation(codec=f)) for f in (0.5, 1, 2)),
        offsets=3,
    )
    found = cells(crossed)
    assert len(found) == 2 * 2 * 3 * 3 * 2
    assert len({(cell.key, cell.clip.name) for cell in found}) == len(found)
    assert all(a.group == b.group for a, b in list(pairwise(found))[::2])  # contenders side by side


def test_one_thing_is_varied_at_a_time(experiment, inputs):
    path, profile = inputs / "fast.csv", str(inputs / "round.json")
    varied = experiment(
        uplinks=(Uplink(path=path), Uplink(path=path, scale=0.5, group="paper range")),
        transports=("ideal", "tcp"),
        machines=(Machine(profile=profile), Machine(profile=profile, variation=Variation(codec=2.0))),
        offsets=2,
        offsets_varied=1,
    )
    assert [
        (cell.trace.group, cell.transport, cell.timing.codec, cell.offset_number) for cell in cells(varied)[::2]
    ] == [
        ("recorded", "ideal", 1.0, 0),
        ("recorded", "ideal", 1.0, 1),
        ("paper range", "ideal", 1.0, 0),
        ("recorded", "tcp", 1.0, 0),
        ("recorded", "ideal", 2.0, 0),
    ]


def test_all_that_a_verdict_depends_on_is_tried_side_by_side_and_by_4g_and_5g_in_turn(experiment, inputs):
    paths = []
    for folder, name in (("4g", "a"), ("4g", "b"), ("5g", "c")):
        (inputs / folder).mkdir(exist_ok=True)
        path = inputs / folder / f"{name}.csv"
        path.write_bytes((inputs / "fast.csv").read_bytes())
        paths.append(path)
    recorded = tuple(Uplink(path=path) for path in paths)
    scaled = tuple(Uplink(path=path, scale=0.5, group="paper range") for path in paths)
    varied = experiment(uplinks=recorded + scaled, transports=("ideal", "tcp"), offsets=2)
    told = [(c.trace.group, c.transport, c.trace.name, c.offset_number) for c in cells(varied)[::2]]
    assert told[:6] == [("recorded", "ideal", name, n) for n in range(2) for name in ("4g/a", "5g/c", "4g/b")]
    pair = (("paper range", "ideal"), ("recorded", "tcp"))
    assert told[6:] == [(*one, name, n) for n in range(2) for name in ("4g/a", "5g/c", "4g/b") for one in pair]


def test_contenders_start_at_the_same_point_of_a_trace_and_offsets_at_others(experiment):
    found = cells(experiment(offsets=2, seed=5))
    offsets = [(cell.policy, cell.offset_s, cell.seed) for cell in found]
    video, trace = Path(found[0].clip.path), Path(found[0].trace.path)
    first, second = (drawn_offset(seed, video, trace, UplinkTrace.load(trace).duration_s) for seed in (5, 6))
    assert first != second
    assert offsets == [
        ("back2back", first, 5),
        ("track-b2b", first, 5),
        ("back2back", second, 6),
        ("track-b2b", second, 6),
    ]


def test_a_key_is_that_of_content_not_of_names(experiment):
    cell = cells(experiment())[0]
    replace = msgspec.structs.replace
    moved = replace(cell, clip=replace(cell.clip, path="/elsewhere.mp4", name="other"), offset_number=7)
    assert moved.key == cell.key
    assert replace(cell, policy="fixed:beta=2").key == replace(cell, policy="fixed").key  # the default, written out
    for other in (
        replace(cell, clip=replace(cell.clip, sha256="bb")),
        replace(cell, clip=replace(cell.clip, truths="cc")),
        replace(cell, clip=replace(cell.clip, frames=23)),
        replace(cell, model=replace(cell.model, weights_hash="other")),
        replace(cell, trace=replace(cell.trace, scale=0.5)),
        replace(cell, timing=replace(cell.timing, codec=2.0)),
        replace(cell, timing=replace(cell.timing, sha256="dd")),
        replace(cell, transport="tcp"),
        replace(cell, policy="fixed"),
        replace(cell, offset_s=1.5),
        replace(cell, seconds=2.0),
        replace(cell, seed=9),
    ):
        assert other.key != cell.key


def test_a_clip_or_model_that_nobody_could_look_into_has_no_cells(experiment):
    assert cells_of(experiment(), {}, {"fake": WELCOME}) == []
    assert cells_of(experiment(), {v.path: FACTS for v in experiment().videos}, {}) == []


def test_traces_that_share_a_recording_are_one_cluster(inputs):
    runs = {"a": ("run1[0:3000]",), "b": ("run1[3000:]", "run2"), "c": ("run2",), "d": ("run3",), "e": ()}
    for name in runs:
        (inputs / f"{name}.csv").write_text((inputs / "fast.csv").read_text())
    found = traces_of([Uplink(path=inputs / f"{name}.csv", runs=made_of) for name, made_of in runs.items()])
    clusters = {trace.name[-1]: trace.cluster[-1] for trace in found}
    assert clusters == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "e"}


@pytest.mark.parametrize(
    ("available", "wanted", "positions"),
    [
        (3, 7, [0, 1, 2, 1, 0, 1, 2]),
        (5, 3, [0, 1, 2]),
        (1, 3, [0, 0, 0]),
        (2, 5, [0, 1, 0, 1, 0]),
    ],
)
def test_a_short_clip_is_played_forward_and_backward(available, wanted, positions):
    assert played_positions(available, wanted) == positions


def test_frames_of_a_segment_are_those_of_the_file(inputs):
    path = inputs / "clip0.mp4"
    with FramesByPosition(path) as frames:
        straight = [frames.at(position) for position in range(24)]
        assert all((frames.at(p) == straight[p]).all() for p in (5, 2, 23, 0))
        with pytest.raises(InputError, match="has no frame 24"):
            frames.at(24)
    with Segment(path, frames=10, seconds=0.8) as part:
        played = list(part)
        assert len(played) == part.frame_count == 24
        assert all((played[i] == straight[part.file_position(i)]).all() for i in range(24))


def test_a_file_is_read_from_its_start_once_for_many_frames_that_fall(inputs, monkeypatch):
    opened = []

    class CountedReader(VideoReader):
        def __init__(self, path):
            opened.append(path)
            super().__init__(path)

    monkeypatch.setattr(segment, "VideoReader", CountedReader)
    with VideoReader(inputs / "clip0.mp4") as reader:
        straight, (height, width) = list(reader), reader.size
    with FramesByPosition(inputs / "clip0.mp4", kept_bytes=6 * 3 * height * width) as frames:
        backward = [frames.at(position) for position in range(23, -1, -1)]
        assert len(frames._kept) <= 6
    assert all((a == b).all() for a, b in zip(backward, reversed(straight), strict=True))
    assert len(opened) == 1 + 4  # to the last frame, then for 22 to 17, 16 to 11, 10 to 5 and 4 to 0


def test_a_variation_changes_what_it_names_and_nothing_else():
    profile = round_profile()
    assert Variation().apply(profile) == profile
    slower = Variation(codec=2.0, tracker=0.5).apply(profile)
    assert slower.codec.encode_s[0][0] == 2 * profile.codec.encode_s[0][0]
    assert slower.codec.decode_s[0] == 2 * profile.codec.decode_s[0]
    assert slower.device.tracker_object_s == profile.device.tracker_object_s / 2
    assert (slower.server, slower.device.motion_s) == (profile.server, profile.device.motion_s)


@pytest.mark.parametrize("gain", [0.7, 1.3])
def test_the_mixed_gain_is_a_factor_on_the_time_saved(gain):
    profile = round_profile()
    varied = Variation(mixed_gain=gain).apply(profile)
    for beta, model in profile.server.inference.items():
        for regions in (0, 10, 28):
            saved = profile.server.full_s - model.seconds(regions)
            assert profile.server.full_s - varied.server.inference[beta].seconds(regions) == pytest.approx(gain * saved)


def test_a_cell_whose_files_changed_is_refused(experiment):
    cell = cells(experiment())[0]
    with pytest.raises(InputError, match="is not the file that the cell was planned with"):
        run_cell(cell, fake_model)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"videos": ()}, "needs videos, got none"),
        ({"seconds": 0.0}, "last more than 0 s"),
        ({"seconds": float("nan")}, "last more than 0 s"),
        ({"offsets": 0}, "at 1 offset or more"),
        ({"contenders": (Contender(label="a", policy="back2back"),) * 2}, "labels of their own"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused(experiment, wrong, message):
    with pytest.raises(InputError, match=message):
        experiment(**wrong)


def test_clips_and_traces_that_tables_would_take_for_one_are_refused(experiment, inputs):
    clip, trace = inputs / "clip0.mp4", inputs / "fast.csv"
    twice = tuple(Video(path=clip, model=model, kind="real") for model in ("fake", "another"))
    with pytest.raises(InputError, match=r"names of their own, got \['video clip0'\] twice"):
        experiment(videos=twice)
    with pytest.raises(InputError, match=r"names of their own, got \['trace .*/fast \(recorded\)'\] twice"):
        experiment(uplinks=(Uplink(path=trace), Uplink(path=trace, scale=0.5)))
    assert experiment(uplinks=(Uplink(path=trace), Uplink(path=trace, scale=0.5, group="paper range")))


@pytest.mark.parametrize("wrong", [{"kind": "drawn"}, {"frames": 0}])
def test_a_video_that_cannot_be_is_refused(inputs, wrong):
    with pytest.raises(InputError, match="a video is one of rendered, real and has a frame at least"):
        Video(**{"path": inputs / "clip0.mp4", "model": "fake", "kind": "real"} | wrong)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_trace_is_scaled_by_a_number_above_0(inputs, scale):
    with pytest.raises(InputError, match="must be scaled by more than 0"):
        Uplink(path=inputs / "fast.csv", scale=scale)


def test_a_contender_must_be_a_policy_that_exists():
    with pytest.raises(InputError, match="unknown policy 'magic'"):
        Contender(label="m", policy="magic")


def test_an_experiment_is_a_value(experiment):
    assert experiment() == experiment()
    assert isinstance(experiment(), Experiment)
