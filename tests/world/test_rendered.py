"""What needs a renderer: truth against the id picture, same seed same bytes, clips and stills on disk."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from foveate.world import CATEGORIES, WorldError, render_clip, render_stills, scenarios
from foveate.world.camera import NEAR, Camera
from foveate.world.canvas import Canvas
from foveate.world.renderer import FIRST_OBJECT, Frame, Moment, Renderer, Stage
from foveate.world.truth import Seen, observe

pytestmark = [pytest.mark.egl, pytest.mark.usefixtures("renderer")]

SIZE, SEED = (144, 256), 13


@pytest.fixture(scope="module")
def shot(renderer: None) -> Iterator[tuple[Renderer, Moment, Frame, list[Seen]]]:
    stage = Stage(size=SIZE, samples=0)
    shoot = scenarios.build("walk-sunny", seed=SEED)
    drawn = Renderer(shoot.scene, stage)
    moment = drawn.moment(shoot.path.at(0.5, size=SIZE), 0.5)
    frame = drawn.frame(moment)
    yield drawn, moment, frame, observe(moment, frame, lambda groups: drawn.alone(moment, groups))
    stage.close()


def test_visible_pixels_lie_inside_their_boxes(shot) -> None:
    _, _, frame, seen = shot
    assert len(seen) > 8
    for item in seen:
        rows, columns = np.nonzero(frame.ids == item.track_id + FIRST_OBJECT)
        left, top, right, bottom = item.box
        assert columns.min() >= left - 1
        assert rows.min() >= top - 1
        assert columns.max() < right + 1
        assert rows.max() < bottom + 1


def test_every_object_with_a_pixel_is_listed_and_no_other(shot) -> None:
    _, _, frame, seen = shot
    shown = set(np.unique(frame.ids).tolist()) - {0, 1}
    assert shown == {item.track_id + FIRST_OBJECT for item in seen}


def test_the_visible_share_is_that_of_the_object_drawn_alone(shot) -> None:
    drawn, moment, frame, seen = shot
    big = [item for item in seen if item.box[3] - item.box[1] >= 8][:12]
    for item in big:
        (alone,) = drawn.alone(moment, [np.array([item.track_id], np.int32)])
        number = item.track_id + FIRST_OBJECT
        share = np.sum(frame.ids == number) / np.sum(alone == number)
        assert item.visible == pytest.approx(min(share, 1), abs=0.02)


def test_a_box_is_the_silhouette_drawn_alone_within_a_pixel(shot) -> None:
    drawn, moment, _, seen = shot
    tall = max(seen, key=lambda item: item.box[3] - item.box[1])
    (alone,) = drawn.alone(moment, [np.array([tall.track_id], np.int32)])
    rows, columns = np.nonzero(alone == tall.track_id + FIRST_OBJECT)
    silhouette = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(tall.box, silhouette, atol=1.01)


def rasterised(camera: Camera, points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Which pixels' centres lie in any of the triangles, counted without the renderer; all lie before the camera."""
    seen = camera.project(points).astype(float)
    covered = np.zeros(SIZE, bool)
    for (ax, ay, _), (bx, by, _), (cx, cy, _) in seen[triangles]:
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        left, right = (np.clip([min(ax, bx, cx), max(ax, bx, cx) + 1], 0, SIZE[1])).astype(int)
        top, bottom = (np.clip([min(ay, by, cy), max(ay, by, cy) + 1], 0, SIZE[0])).astype(int)
        if area:
            y, x = np.mgrid[top:bottom, left:right] + 0.5
            u = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
            v = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
            covered[top:bottom, left:right] |= (u >= 0) & (v >= 0) & (u + v <= 1)
    return covered


def test_boxes_and_visible_shares_are_those_of_triangles_counted_without_the_renderer(shot) -> None:
    _, moment, frame, seen = shot
    compared = 0
    for thing in seen:
        triangles = moment.mesh.triangles[moment.owner[moment.mesh.triangles[:, 0]] == thing.track_id]
        if thing.ignore or moment.camera.project(moment.mesh.points[triangles.ravel()])[:, 2].min() < NEAR:
            continue
        covered = rasterised(moment.camera, moment.mesh.points, triangles)
        rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
        counted = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        np.testing.assert_allclose(counted, thing.box, atol=2.5)
        visible = (frame.ids == thing.track_id + FIRST_OBJECT).sum() / covered.sum()
        assert thing.visible == pytest.approx(min(visible, 1), abs=0.1)
        compared += 1
    assert compared >= 5


def test_a_scene_without_objects_has_a_picture_and_no_truth(renderer: None) -> None:
    stage = Stage(size=SIZE, samples=0)
    shoot = scenarios.build("walk-sunny", seed=SEED)
    drawn = Renderer(replace(shoot.scene, actors=()), stage)
    moment = drawn.moment(shoot.path.at(0.5, size=SIZE), 0.5)
    frame = drawn.frame(moment)
    assert observe(moment, frame, lambda groups: drawn.alone(moment, groups)) == []
    assert frame.picture.std() > 20
    stage.close()


def test_somebody_is_hidden_and_marked(shot) -> None:
    *_, seen = shot
    assert any(item.visible < 1 for item in seen)
    assert all(item.ignore for item in seen if item.visible < 0.25)


def test_the_picture_is_no_flat_field(shot) -> None:
    _, _, frame, _ = shot
    assert frame.picture.std() > 20
    assert frame.distance.min() > 0


def test_a_canvas_gives_back_the_colours_it_was_given(renderer: None) -> None:
    from foveate.world.camera import Camera
    from foveate.world.mesh import quad

    canvas = Canvas(size=(32, 32))
    wall = quad([(5, 9, -9), (5, -9, -9), (5, -9, 9), (5, 9, 9)], (1, 1, 1))
    canvas.layer().fill(wall, np.tile(np.array([[3, 200, 77]], np.uint8), (4, 1)))
    canvas.look(Camera(position=(0, 0, 0), yaw=0, pitch=0, roll=0, field_of_view=1.0, height=32, width=32))
    canvas.draw()
    assert np.all(canvas.pixels() == (3, 200, 77))
    canvas.close()


_FRESH = """
from pathlib import Path
from foveate.world import render_clip
render_clip("walk-sunny", seconds=0.1, size=(96, 160), seed=5, out=Path({out!r}))
"""


def test_the_same_seed_gives_the_same_truth_also_in_a_fresh_process(tmp_path: Path) -> None:
    here = render_clip("walk-sunny", seconds=0.1, size=(96, 160), seed=5, out=tmp_path / "a" / "clip.mp4")
    there = tmp_path / "b" / "clip.mp4"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", _FRESH.format(out=str(there))], check=True, env=environment)
    assert here.read_bytes() == there.with_suffix(".json").read_bytes()


def test_a_clip_has_its_frames_and_its_truth(tmp_path: Path) -> None:
    import av

    calls = []
    path = render_clip(
        "walk-sunny",
        seconds=0.2,
        size=(96, 160),
        seed=1,
        fps=15,
        out=tmp_path / "clip.mp4",
        progress=lambda done, total: calls.append((done, total)),
    )
    with av.open(str(tmp_path / "clip.mp4")) as container:
        frames = list(container.decode(video=0))
    assert [(f.height, f.width) for f in frames] == [(96, 160)] * 3
    assert frames[0].format.name == "yuv420p"
    content = json.loads(path.read_text())
    assert [image["frame"] for image in content["images"]] == [0, 1, 2]
    assert {c["name"]: c["id"] for c in content["categories"]} == dict(CATEGORIES)
    assert content["info"]["kind"] == "rendered"
    assert {a["image_id"] for a in content["annotations"]} == {1, 2, 3}
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.json", "clip.mp4"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldError, match="cannot write") as caught:
        render_clip("walk-sunny", seconds=0.1, size=(96, 160), seed=1, out=tmp_path / "file" / "clip.mp4")
    assert "\n" not in str(caught.value)


def test_stills_resume_where_they_stopped(tmp_path: Path) -> None:
    wish = {"size": [(96, 160), (128, 96)], "seed": 4, "frames_per_scene": 2, "out": tmp_path, "processes": 1}
    render_stills("walk-sunny", count=2, **wish)
    first = tmp_path / "images" / "000000.jpg"
    before = first.stat().st_mtime_ns
    path = render_stills("walk-sunny", count=4, **wish)
    assert first.stat().st_mtime_ns == before
    content = json.loads(path.read_text())
    assert [image["height"] for image in content["images"]] == [96, 96, 128, 128]
    for image in content["images"]:
        assert cv2.imread(str(tmp_path / "images" / image["file_name"])).shape == (image["height"], image["width"], 3)
    ids = [a["id"] for a in content["annotations"]]
    assert ids == list(range(1, len(ids) + 1))


def test_another_set_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    render_stills("walk-sunny", count=1, size=(96, 160), seed=4, out=tmp_path, processes=1)
    with pytest.raises(WorldError, match="another set"):
        render_stills("walk-sunny", count=1, size=(96, 160), seed=5, out=tmp_path, processes=1)


def test_processes_end_with_the_one_that_started_them(tmp_path):
    code = (
        "if __name__ == '__main__':\n"
        " from pathlib import Path; from foveate.world import render_stills\n"
        f" render_stills('walk-sunny', count=10**5, size=(96, 160), seed=4, out=Path({str(tmp_path)!r}), processes=2)\n"
    )
    script = tmp_path / "render.py"
    script.write_text(code)
    parent = subprocess.Popen([sys.executable, script], start_new_session=True)
    try:
        wait_until(lambda: any((tmp_path / "parts").glob("*.json")))
        parent.kill()
        parent.wait()
        wait_until(lambda: not group_lives(parent.pid))
    finally:
        if group_lives(parent.pid):
            os.killpg(parent.pid, signal.SIGKILL)


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def group_lives(number):
    """Whether a process of the group is there that is not a zombie."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(group) == number and state != "Z":
            return True
    return False
