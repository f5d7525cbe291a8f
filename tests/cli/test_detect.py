import json
import signal

import numpy as np
import pytest
from typer.testing import CliRunner

from foveate.cli.app import app
from foveate.cli.detect import Look
from foveate.codec import VideoReader, VideoWriter, write_image
from foveate.metrics import decode_outline
from foveate.models import convert_detectron2, save_detector
from foveate.testing.vitdet_checkpoints import CLASSES, vitdet_checkpoint

SIZE = (200, 300)
"""Of the test pictures: 3 x 4 regions of 96 pixels."""


def noise(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


@pytest.fixture
def picture(tmp_path):
    write_image(tmp_path / "street.png", noise())
    return tmp_path / "street.png"


@pytest.fixture
def video(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", SIZE, 10.0) as writer:
        for seed in range(3):
            writer.write(noise(seed))
    return tmp_path / "clip.mp4"


@pytest.fixture
def detect(tmp_path, tiny_weights):
    """Runs `foveate detect WORDS`; returns what it did and the folder that it was given."""

    def run(*words, out=tmp_path / "out"):
        arguments = ["detect", *map(str, words), "--out", str(out)]
        if "--model" not in words:
            arguments += ["--model", str(tiny_weights)]
        return CliRunner().invoke(app, arguments), out

    return run


def read(out):
    return json.loads((out / "detections.json").read_text())


def assert_refused(ran, *, says, code=2):
    assert ran.exit_code == code, ran.output
    assert ran.stderr.startswith("foveate: ")
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert says in ran.stderr


def test_a_picture_leaves_coco_detections_and_a_drawing(detect, picture):
    ran, out = detect(picture, "--score", "0.01")
    assert ran.exit_code == 0, ran.output
    found = read(out)
    assert [(i["file_name"], i["height"], i["width"]) for i in found["images"]] == [("street.png", *SIZE)]
    assert [c["name"] for c in found["categories"]][:3] == ["person", "bicycle", "car"]
    assert found["annotations"]
    assert all(0.01 <= a["score"] <= 1 and min(a["bbox"]) >= 0 for a in found["annotations"])
    assert (out / "street.jpg").is_file()
    assert f"{len(found['annotations'])} objects in 1 frames" in ran.stdout


def test_no_draw_leaves_the_json_alone(detect, picture, video):
    for source in (picture, video):
        ran, out = detect(source, "--no-draw")
        assert ran.exit_code == 0, ran.output
        assert [path.name for path in out.iterdir()] == ["detections.json"]


def test_a_video_leaves_one_entry_per_frame_and_a_video_of_its_size_and_rate(detect, video):
    ran, out = detect(video, "--mask", "objects")
    assert ran.exit_code == 0, ran.output
    assert [image["frame"] for image in read(out)["images"]] == [0, 1, 2]
    with VideoReader(out / "annotated.mp4") as drawn:
        assert (drawn.size, drawn.fps, drawn.frame_count) == (SIZE, 10.0, 3)


def test_a_corrupt_picture_is_reported_and_the_rest_goes_on(detect, picture):
    (picture.parent / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    (picture.parent / "notes.txt").write_text("not looked at")
    write_image(picture.parent / "z.png", noise(1))
    ran, out = detect(picture.parent)
    assert ran.exit_code == 1
    assert [image["file_name"] for image in read(out)["images"]] == ["street.png", "z.png"]
    first, last = ran.stderr.splitlines()
    assert first == f"foveate: {picture.parent / 'broken.jpg'} is not a readable image"
    assert last == "foveate: 1 of 3 pictures could not be read"


def test_pictures_of_one_stem_keep_both_drawings(detect, picture):
    write_image(picture.with_suffix(".jpg"), noise(1))
    ran, out = detect(picture.parent)
    assert ran.exit_code == 0, ran.output
    assert {path.name for path in out.glob("*.jpg")} == {"street.png.jpg", "street.jpg.jpg"}


@pytest.mark.parametrize("kind", ["video", "folder"])
def test_ctrl_c_keeps_the_frames_that_are_finished_and_that_at_hand(kind, detect, picture, video, monkeypatch):
    write_image(picture.parent / "z.png", noise(1))
    look, seen = Look.at_frame, []

    def interrupted_at_once(self, *frame):
        seen.append(frame)
        signal.raise_signal(signal.SIGINT)
        return look(self, *frame)

    monkeypatch.setattr(Look, "at_frame", interrupted_at_once)
    ran, out = detect(video if kind == "video" else picture.parent)
    assert (ran.exit_code, len(seen)) == (130, 1)
    assert ran.stderr == "stopped early: the frames that were finished are kept\nfoveate: interrupted\n"
    assert [image["file_name"] for image in read(out)["images"]] == ["clip.mp4" if kind == "video" else "street.png"]
    assert "objects in 1 frames: " in ran.stdout
    if kind == "video":
        with VideoReader(out / "annotated.mp4") as drawn:
            assert drawn.frame_count == 1


def test_a_second_ctrl_c_ends_at_once(detect, video, monkeypatch):
    def interrupted_twice(*_):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Look, "at_frame", interrupted_twice)
    ran, out = detect(video)
    assert (ran.exit_code, ran.stderr) == (130, "foveate: interrupted\n")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(("form", "beta"), [("json", 0), ("npy", 1), ("json", 2)])
def test_a_mask_from_a_file_changes_what_is_seen(detect, picture, tmp_path, form, beta):
    rows = np.zeros((3, 4), int)
    plain, out = detect(picture, "--score", "0.01", "--mask", save(tmp_path, rows, form), "--beta", beta)
    assert plain.exit_code == 0, plain.output
    full = read(out)
    rows[:] = 1
    mixed, out = detect(picture, "--score", "0.01", "--mask", save(tmp_path, rows, form), "--beta", beta)
    assert mixed.exit_code == 0, mixed.output
    assert read(out)["annotations"] != full["annotations"]


def save(folder, rows, form):
    path = folder / f"mask.{form}"
    if form == "npy":
        np.save(path, rows)
    else:
        path.write_text(json.dumps(rows.tolist()))
    return path


def test_outlines_of_a_model_with_masks_are_run_lengths_inside_the_boxes(detect, picture, tmp_path):
    weights = tmp_path / "vitdet.safetensors"
    save_detector(convert_detectron2(vitdet_checkpoint(), class_names=CLASSES), weights)
    ran, out = detect(picture, "--model", weights, "--score", "0.5", "--mask", "objects", "--no-draw", "--outlines")
    assert ran.exit_code == 0, ran.output
    assert read(out)["annotations"]
    for entry in read(out)["annotations"]:
        pixels = decode_outline(entry["segmentation"])
        assert pixels.shape == SIZE
        assert pixels.sum() == entry["area"]
        x, y, width, height = entry["bbox"]
        rows, columns = np.nonzero(pixels)
        assert not len(rows) or (y - 1 <= rows.min() and rows.max() <= y + height + 1)
        assert not len(rows) or (x - 1 <= columns.min() and columns.max() <= x + width + 1)


def test_outlines_need_a_model_with_masks(detect, picture):
    ran, out = detect(picture, "--outlines")
    assert_refused(ran, says="needs a model with a mask head, which tiny-random does not have")
    assert not out.exists()


def test_an_unknown_model_lists_the_known_ones(detect, picture):
    ran, _ = detect(picture, "--model", "vitdet-huge")
    assert_refused(ran, says="no model or weights file named 'vitdet-huge'; models on this machine: ")


def test_a_truncated_weights_file_is_refused(detect, picture, tiny_weights, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(tiny_weights.read_bytes()[:2000])
    ran, _ = detect(picture, "--model", broken)
    assert_refused(ran, says=f"{broken}: not a whole safetensors file", code=1)


@pytest.mark.parametrize("name", ["broken.png", "broken.mp4", "broken.xyz"])
def test_a_file_that_is_no_picture_and_no_video_is_refused(detect, tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing that can be decoded")
    ran, _ = detect(tmp_path / name)
    assert_refused(ran, says=str(tmp_path / name))


def test_a_missing_source_and_an_empty_folder_are_refused(detect, tmp_path):
    assert_refused(detect(tmp_path / "no.png")[0], says="no such file or folder")
    (tmp_path / "empty").mkdir()
    assert_refused(detect(tmp_path / "empty")[0], says="no pictures in the folder")


@pytest.mark.parametrize("beta", [-1, 3])
def test_a_restoration_point_that_the_model_lacks_is_refused(detect, picture, beta):
    ran, _ = detect(picture, "--beta", beta)
    assert_refused(ran, says=f"--beta must lie in 0..2 for tiny-random, got {beta}")


def test_a_restoration_point_without_a_mask_is_refused(detect, picture):
    ran, _ = detect(picture, "--beta", 1)
    assert_refused(ran, says="--beta says where downsampled regions are restored: it needs --mask")


def test_a_mask_of_another_shape_is_refused_with_both_shapes(detect, picture, tmp_path):
    ran, _ = detect(picture, "--mask", save(tmp_path, np.ones((2, 2), int), "json"))
    assert_refused(ran, says="must be bool of shape (3, 4), got bool of shape (2, 2)")


@pytest.mark.parametrize(
    "text", ["", "[[0, 1], [1]]", "[[0, 2]]", "3", '{"a": 1}', '[["x"]]', "[[[0]]]", 100_000 * "["]
)
def test_a_file_that_is_no_mask_is_refused(detect, picture, tmp_path, text):
    (tmp_path / "mask.json").write_text(text)
    ran, _ = detect(picture, "--mask", tmp_path / "mask.json")
    assert_refused(ran, says=str(tmp_path / "mask.json"))


def test_drawings_never_overwrite_the_pictures(detect, picture):
    before = picture.read_bytes()
    ran, _ = detect(picture.parent, out=picture.parent)
    assert_refused(ran, says="--out must be another folder than that of the pictures")
    assert picture.read_bytes() == before


def test_a_drawn_video_never_overwrites_the_clip(detect, video):
    source = video.rename(video.with_name("annotated.mp4"))
    before = source.read_bytes()
    ran, _ = detect(source, out=source.parent)
    assert_refused(ran, says="annotated.mp4 would take the place of")
    assert source.read_bytes() == before
    ran, _ = detect(source, "--no-draw", out=source.parent)
    assert ran.exit_code == 0, ran.output
    assert source.read_bytes() == before


def test_a_score_outside_0_to_1_is_refused(detect, picture):
    ran, _ = detect(picture, "--score", "1.5")
    assert_refused(ran, says="--score")


def test_rows_of_a_mask_are_equally_long(detect, picture, tmp_path):
    (tmp_path / "mask.json").write_text("[[0, 1], [1]]")
    ran, _ = detect(picture, "--mask", tmp_path / "mask.json")
    assert_refused(ran, says="a mask is a list of rows of 0 and 1, as JSON or .npy, all rows of one length")


def test_a_mask_that_is_not_there_is_named_once(detect, picture, tmp_path):
    ran, _ = detect(picture, "--mask", tmp_path / "none.json")
    assert_refused(ran, says=f"cannot read the mask {tmp_path / 'none.json'}: No such file or directory\n")


@pytest.mark.parametrize("inside", ["pictures", "out"])
def test_drawings_never_overwrite_pictures_that_links_lead_to(detect, picture, tmp_path, inside):
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    for folder in (pictures, out):
        folder.mkdir()
    real, link = (out, pictures) if inside == "out" else (pictures, out)
    write_image(real / "street.jpg", noise())
    (link / "street.jpg").symlink_to(real / "street.jpg")
    before = (real / "street.jpg").read_bytes()
    ran, _ = detect(pictures, out=out)
    assert_refused(ran, says="street.jpg would take the place of")
    assert (real / "street.jpg").read_bytes() == before


def test_detections_never_overwrite_the_mask(detect, picture, tmp_path):
    (tmp_path / "out").mkdir()
    mask = save(tmp_path, np.ones((3, 4), int), "json").rename(tmp_path / "out" / "detections.json")
    before = mask.read_bytes()
    ran, _ = detect(picture, "--mask", mask)
    assert_refused(ran, says="detections.json would take the place of")
    assert mask.read_bytes() == before


@pytest.mark.parametrize("name", ["empty.npy", "cut.npy", "zipped.npy", "broken.npy", "zipped.npz"])
def test_a_file_that_holds_no_array_of_a_mask_is_refused(detect, picture, tmp_path, name):
    place = tmp_path / name
    with place.open("wb") as file:
        if name.startswith("zipped"):
            np.savez(file, mask=np.zeros((3, 4), int))
        elif name == "cut.npy":
            np.save(file, np.zeros((3, 4), int))
    if name == "cut.npy":
        place.write_bytes(place.read_bytes()[:-8])
    if name == "broken.npy":
        place.write_bytes(b"PK\x03\x04 and no archive")
    ran, _ = detect(picture, "--mask", place)
    assert_refused(ran, says=f"{place}: a mask is a list of rows of 0 and 1")


def test_a_picture_that_does_not_fit_the_mask_costs_no_results_of_those_before(detect, picture, tmp_path):
    write_image(picture.parent / "z.png", np.zeros((400, 300, 3), np.uint8))
    ran, out = detect(picture.parent, "--mask", save(tmp_path, np.ones((3, 4), int), "json"))
    assert_refused(ran, says="must be bool of shape")
    assert [image["file_name"] for image in read(out)["images"]] == ["street.png"]
    assert (out / "street.jpg").is_file()


def test_a_mask_that_fits_no_picture_leaves_earlier_results(detect, picture, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "detections.json").write_text("{}")
    detect(picture, "--mask", save(tmp_path, np.ones((2, 2), int), "json"))
    assert read(tmp_path / "out") == {}
