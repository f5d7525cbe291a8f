"""Clips made by several processes, cut short and gone on with, and the one line in which each failure ends."""

import json
import os
from pathlib import Path

import av
import numpy as np
import pytest

from foveate.world import RendererError, WorldError, crew, render_clip, segments
from foveate.world.segments import ClipOrder, Folder
from foveate.world.video import join_h264, write_h264

WISH = {"seconds": 0.4, "size": (64, 96), "seed": 5, "fps": 20}


class _CutError(Exception):
    """Stands for Ctrl-C."""


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of three frames."""
    monkeypatch.setattr(segments, "_SEGMENT", 3)


def _cut_at(frame: int):
    def progress(done: int, total: int) -> None:
        if done == frame:
            raise _CutError

    return progress


def _order(**changes) -> ClipOrder:
    given = {"scenario": "walk-sunny", "seconds": 10.0, "size": (64, 96), "seed": 0, "fps": 30, "crf": 18}
    return ClipOrder(**{**given, **changes})


def test_segments_cover_every_frame_once_whatever_the_size() -> None:
    for order in (_order(), _order(size=(2160, 3840)), _order(seconds=0.01), _order(seconds=2.03)):
        assert [k for numbers in order.segments for k in numbers] == list(range(order.frames))
    assert len(_order(size=(2160, 3840)).segments) > len(_order().segments)


def test_a_worker_goes_on_where_it_stopped_and_a_new_one_starts_far_from_the_others() -> None:
    pending = set(range(10))
    assert crew._next(pending, None) == 0
    assert crew._next(pending, None) == 5
    assert crew._next(pending, 0) == 1
    assert crew._next(pending, 5) == 6
    rest = set(pending)
    assert {crew._next(pending, k) for k in (1, 2, 3, 6, 7, 8)} == rest
    assert crew._next(pending, 3) is None


def _frames(count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(count)]


def test_joined_segments_hold_every_frame_at_its_time(tmp_path: Path) -> None:
    counts, first, parts = (7, 1, 4), 0, []
    for k, count in enumerate(counts):
        write_h264(tmp_path / f"{k}.mp4", _frames(count, k), size=(64, 96), fps=25, crf=18)
        parts.append((tmp_path / f"{k}.mp4", first))
        first += count
    join_h264(tmp_path / "all.mp4", parts, fps=25)
    with av.open(str(tmp_path / "all.mp4")) as container:
        frames = list(container.decode(video=0))
    assert [float(frame.pts * frame.time_base) for frame in frames] == pytest.approx([k / 25 for k in range(12)])
    with av.open(str(tmp_path / "1.mp4")) as container:
        (alone,) = container.decode(video=0)
    np.testing.assert_array_equal(alone.to_ndarray(), frames[7].to_ndarray())
    cv2 = pytest.importorskip("cv2")
    capture, count = cv2.VideoCapture(str(tmp_path / "all.mp4")), 0
    while capture.read()[0]:
        count += 1
    assert count == 12


def test_the_same_frames_are_encoded_to_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_h264(tmp_path / name, _frames(20, 1), size=(64, 96), fps=25, crf=18)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_folder_of_another_order_is_refused_and_one_at_work_too(tmp_path: Path) -> None:
    folder = Folder(path=tmp_path / "parts")
    with pytest.raises(_CutError), folder.claimed(_order()):
        raise _CutError
    with pytest.raises(WorldError, match="another clip") as caught, folder.claimed(_order(seed=1)):
        pass
    assert "\n" not in str(caught.value)
    with (
        folder.claimed(_order()),
        pytest.raises(WorldError, match="another process"),
        Folder(path=folder.path).claimed(_order()),
    ):
        pass
    assert not folder.path.exists()


def test_an_unknown_scenario_and_an_impossible_size_leave_nothing_behind(tmp_path: Path) -> None:
    for scenario, changes, message in (
        ("swim-sunny", {}, "unknown scenario"),
        ("walk-sunny", {"size": (63, 96)}, "even"),
        ("walk-sunny", {"size": (64, 90000)}, "90000"),
        ("walk-sunny", {"processes": 0}, "process"),
    ):
        with pytest.raises(WorldError, match=message):
            render_clip(scenario, out=tmp_path / "clip.mp4", **{**WISH, **changes})
    assert not list(tmp_path.iterdir())


@pytest.mark.egl
@pytest.mark.usefixtures("renderer", "short")
def test_neither_processes_nor_cuts_change_truth_or_video(tmp_path: Path) -> None:
    truth = render_clip("walk-sunny", out=tmp_path / "whole" / "clip.mp4", processes=1, **WISH)
    out, calls = tmp_path / "cut" / "clip.mp4", []
    with pytest.raises(_CutError):
        render_clip("walk-sunny", out=out, processes=2, progress=_cut_at(6), **WISH)
    assert [path.name for path in out.parent.iterdir()] == [".clip.parts"]
    kept = len(list((out.parent / ".clip.parts").glob("*.json"))) - 1
    render_clip("walk-sunny", out=out, processes=2, progress=lambda *done: calls.append(done), **WISH)
    assert kept == 0 or calls[0][0] >= 2
    assert calls[-1] == (8, 8)
    assert out.with_suffix(".json").read_bytes() == truth.read_bytes()
    assert out.read_bytes() == truth.with_suffix(".mp4").read_bytes()
    assert sorted(path.name for path in out.parent.iterdir()) == ["clip.json", "clip.mp4"]
    assert json.loads(truth.read_text())["info"]["frames"] == 8


def _die(*_: object) -> None:
    os._exit(9)


def _refuse(pipe, *_: object) -> None:
    pipe.recv()
    pipe.send(RendererError("cannot open a renderer"))


@pytest.mark.parametrize(("life", "message"), [(_die, "exit code 9"), (_refuse, "cannot open")])
def test_a_process_that_dies_or_cannot_render_ends_the_run_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, life, message: str
) -> None:
    monkeypatch.setattr(crew, "_work", life)
    with pytest.raises(RendererError, match=message) as caught:
        crew.render_segments(_order(), Folder(path=tmp_path), [0, 1], processes=2, drawn=lambda: None)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_line_and_keeps_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rendered(order: ClipOrder, folder: Folder, pending, **_: object) -> None:
        for segment in pending:
            numbers = order.segments[segment]
            write_h264(folder.video(segment), _frames(len(numbers), segment), size=order.size, fps=20, crf=18)
            folder.finish(segment, [[] for _ in numbers])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("foveate.world.clip.render_segments", rendered)
    monkeypatch.setattr("foveate.world.clip.join_h264", full)
    with pytest.raises(WorldError, match="No space left") as caught:
        render_clip("walk-sunny", out=tmp_path / "clip.mp4", **WISH)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [".clip.parts"]
