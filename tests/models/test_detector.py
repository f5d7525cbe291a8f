"""The detector's public surface: frames in, detections out, files on disk."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from foveate.core import InputError, WeightsError, join_regions, split_regions
from foveate.models import BackboneConfig, Detector, DetectorConfig, describe_weights, load_detector, save_detector


@pytest.fixture(scope="module")
def detector() -> Detector:
    torch.manual_seed(0)
    shape = BackboneConfig(dim=32, depth=4, heads=2, stem="convolutional", positions="tiled")
    model = Detector(DetectorConfig(backbone=shape, pyramid_channels=16, score_threshold=0.0))
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and "head" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def frame(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def test_frames_of_different_sizes_masks_and_points_share_a_batch(detector):
    frames = [frame(300, 500), frame(720, 405, 1), frame(300, 500, 2)]
    masks = [None, np.ones(detector.region_grid(720, 405).shape, bool), np.eye(2, dtype=bool)]
    points = [0, 4, 2]
    together = detector.detect_batch(frames, masks, points)
    for one, image, mask, point in zip(together, frames, masks, points, strict=True):
        alone = detector.detect(image, mask, point)
        assert len(one) == len(alone) > 0
        np.testing.assert_allclose(np.sort(one.scores), np.sort(alone.scores), atol=1e-5)


def test_a_batch_in_any_order_gives_each_frame_what_it_gets_alone(detector):
    sizes = [(160, 160), (300, 500), (160, 160), (160, 161), (160, 160), (300, 500)]
    frames = [frame(height, width, seed) for seed, (height, width) in enumerate(sizes)]
    points = [1, 3, 0, 4, 1, 3]
    masks = [
        np.ones(detector.region_grid(*size).shape, bool) if point % 2 else None
        for size, point in zip(sizes, points, strict=True)
    ]
    for one, *case in zip(detector.detect_batch(frames, masks, points), frames, masks, points, strict=True):
        alone = detector.detect(*case)
        np.testing.assert_allclose(np.sort(one.scores), np.sort(alone.scores), atol=1e-5)
        np.testing.assert_allclose(one.boxes[:5], alone.boxes[:5], atol=1e-2)


def test_tiles_of_a_mixed_frame_give_the_same_as_the_frame_itself(detector):
    image, mask = frame(301, 507), np.array([[True, False], [False, True]])
    mixed = split_regions(image, detector.region_grid(301, 507), mask)
    assert detector.detect(mixed, restoration_point=3) == detector.detect(image, mask, 3)


def test_point_0_equals_the_frame_with_blurred_regions(detector):
    image, mask = frame(301, 507), np.ones((2, 2), bool)
    blurred = join_regions(split_regions(image, detector.region_grid(301, 507), mask))
    assert detector.detect(image, mask, 0) == detector.detect(blurred)


def test_forward_on_tensors_agrees_with_detect(detector):
    image = frame(288, 576)
    output = detector(torch.from_numpy(image).permute(2, 0, 1)[None])
    assert output.class_logits.shape == (1, len(output.points), 6)
    best = output.class_logits.sigmoid().max().item()
    assert detector.detect(image).scores.max() == pytest.approx(best, abs=1e-5)


def test_forward_leaves_the_images_as_they_were(detector):
    images = torch.rand(1, 3, 40, 60) * 255
    before = images.clone()
    detector(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize(("patch", "strides"), [(8, (2, 4, 8, 16, 24)), (16, (4, 8, 16, 32)), (32, (8, 16, 32, 64))])
def test_cells_lie_where_they_look_whatever_the_patch(patch, strides):
    shape = BackboneConfig(dim=32, depth=4, heads=2, patch_size=patch)
    model = Detector(DetectorConfig(backbone=shape, strides=strides, pyramid_channels=16)).eval()
    output = model(torch.zeros(1, 3, 192, 384))
    for stride in strides:
        points = output.points[output.strides == stride]
        assert len(points) == (192 // stride) * (384 // stride)
        assert points.amax(dim=0).tolist() == [384 - stride / 2, 192 - stride / 2]


@pytest.mark.parametrize("strides", [(), (8, 8), (16, 8), (2, 8), (24,), (0, 16)])
def test_strides_that_a_patch_cannot_give_are_refused(strides):
    with pytest.raises(InputError, match="strides must rise, each a quarter or half of a patch of 16 pixels"):
        DetectorConfig(backbone=BackboneConfig(dim=32, depth=4, heads=2), strides=strides)


def test_a_detector_without_classes_is_refused():
    with pytest.raises(InputError, match="names of its classes"):
        DetectorConfig(backbone=BackboneConfig(dim=32, depth=4, heads=2), class_names=())


@pytest.mark.parametrize("iou", [-0.5, 1.5, float("nan"), "x", None])
def test_a_suppression_that_no_overlap_is_measured_by_is_refused(iou):
    with pytest.raises(InputError, match=r"nms_iou must lie in 0\.\.1, got"):
        DetectorConfig(backbone=BackboneConfig(dim=32, depth=4, heads=2), nms_iou=iou)


def test_a_batch_may_be_one_array(detector):
    frames = np.stack([frame(40, 60), frame(40, 60, 1)])
    assert detector.detect_batch(frames) == detector.detect_batch(list(frames))
    assert detector.detect_batch(frames[:0]) == []
    with pytest.raises(InputError, match=r"uint8 \(H, W, 3\)"):
        detector.detect_batch(frames[0])


def test_tiles_are_normalised_bit_for_bit_like_images(detector):
    tiles = [np.random.default_rng(seed).integers(0, 256, (2, 32, 32, 3), np.uint8) for seed in range(2)]
    images = torch.from_numpy(np.concatenate(tiles)).permute(0, 3, 1, 2)
    normal = detector.normalised_tiles(tiles)
    assert torch.equal(normal, detector.normalised(images))
    assert normal.is_contiguous(memory_format=torch.channels_last)
    assert detector.normalised_tiles([tiles[0][:0]]).shape == (0, 3, 32, 32)


def test_boxes_lie_inside_the_frame_and_scores_descend(detector):
    found = detector.detect(frame(301, 507))
    assert found.boxes[:, 0::2].max() <= 507
    assert found.boxes[:, 1::2].max() <= 301
    assert found.boxes.min() >= 0
    assert (np.diff(found.scores) <= 0).all()


def test_a_box_beyond_the_frame_is_none():
    shape = BackboneConfig(dim=32, depth=4, heads=2)
    model = Detector(DetectorConfig(backbone=shape, pyramid_channels=16, nms_iou=1.0)).eval()
    torch.nn.init.constant_(model.head.box_distances.bias, -9.0)  # boxes of less than a pixel around their cells
    found = model.detect(frame(17, 33), score_threshold=0.0)
    assert 0 < len(found) < 24 + 6 + 2  # 2 x 3 patches of 16 pixels
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((10, 10), np.uint8),), r"uint8 \(H, W, 3\)"),
        ((np.zeros((10, 10, 3), np.float32),), "uint8"),
        ((np.zeros((0, 10, 3), np.uint8),), "at least one pixel"),
        (("nonsense",), "numpy array"),
        ((np.zeros((300, 500, 3), np.uint8), np.zeros((1, 2), bool)), r"shape \(2, 2\), got bool of shape \(1, 2\)"),
        ((np.zeros((300, 500, 3), np.uint8), None, 6), r"0\.\.5, got 6"),
        ((np.zeros((300, 500, 3), np.uint8), None, -1), r"0\.\.5, got -1"),
        ((np.zeros((300, 500, 3), np.uint8), None, 1.7), "must be whole numbers"),
        ((np.zeros((300, 500, 3), np.uint8), None, "2"), "must be whole numbers"),
    ],
)
def test_bad_input_is_one_clear_error(detector, arguments, message):
    with pytest.raises(InputError, match=message):
        detector.detect(*arguments)


@pytest.mark.parametrize("threshold", [float("nan"), 2, -1, float("inf"), "0.5", [0.5]])
def test_a_threshold_that_no_score_is_measured_by_is_refused(detector, threshold):
    frames = [np.zeros((300, 500, 3), np.uint8)]
    with pytest.raises(InputError, match=r"score_threshold must lie in 0\.\.1, got"):
        detector.detect_batch(frames, score_threshold=threshold)
    assert detector.detect_batch(frames, score_threshold=1) is not None


def test_masks_of_a_batch_are_one_for_each_frame(detector):
    with pytest.raises(InputError, match=r"one downsampling mask per frame \(1\), got True"):
        detector.detect_batch([frame(40, 60)], True)


def test_saved_weights_load_and_detect_the_same(detector, tmp_path):
    path = tmp_path / "small.safetensors"
    save_detector(detector, path, dtype=torch.float32, score_threshold=0.125)
    loaded = load_detector(path, dtype="float32", torch_device="cpu")
    assert loaded.score_threshold == 0.125
    assert loaded.name == "small"
    np.testing.assert_allclose(
        loaded.detect(frame(300, 500), score_threshold=0.0).scores, detector.detect(frame(300, 500)).scores, atol=1e-6
    )


def test_a_subclass_is_no_detector_that_a_file_brings_back(detector, tmp_path):
    class Mine(Detector):
        pass

    with pytest.raises(InputError, match="hold a Detector or RcnnDetector or ConvDetector, got a Mine"):
        save_detector(Mine(detector.config), tmp_path / "mine.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_does_not_take_a_shipped_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vitdet-nano-world").mkdir()
    (tmp_path / "vitdet-nano-world" / "config.json").write_text("{}")
    assert load_detector("vitdet-nano-world").name == "vitdet-nano-world"


def test_weights_are_for_those_who_may_read_other_new_files(detector, tmp_path):
    path, other = tmp_path / "one.safetensors", tmp_path / "other"
    other.touch()
    save_detector(detector, path)
    assert path.stat().st_mode == other.stat().st_mode
    path.chmod(0o640)
    describe_weights(path, {"terms": "none"})
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_name_is_looked_up_in_foveate_home(detector, tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    save_detector(detector, tmp_path / "weights" / "mine.safetensors")
    assert load_detector("mine").name == "mine"
    with pytest.raises(InputError, match=r"no model or weights file named 'other'; models on this machine: .*mine"):
        load_detector("other")


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing")
@pytest.mark.parametrize("wanted", ["cuda", "cuda:3"])
def test_a_device_that_is_not_there_is_one_clear_error(wanted):
    with pytest.raises(InputError, match=f"torch_device is '{wanted}', but torch finds 0 CUDA devices"):
        load_detector("vitdet-nano-world", torch_device=wanted)


@pytest.mark.parametrize("wanted", ["mps", "xpu", "meta", "bogus"])
def test_devices_of_other_kinds_are_refused(wanted):
    with pytest.raises(InputError, match=f"torch_device must be 'auto', 'cpu' or .*, got '{wanted}'"):
        load_detector("vitdet-nano-world", torch_device=wanted)


def rewrite_config(path, change):
    with safe_open(path, "pt") as file:
        metadata, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    config = json.loads(metadata["config"])
    changed = config | change | {"backbone": config["backbone"] | change.get("backbone", {})}
    save_file(tensors, path, metadata=metadata | {"config": json.dumps(changed)})


@pytest.mark.parametrize(
    "change",
    [
        {"pyramid_channels": -1},
        {"pyramid_channels": "x"},
        {"pyramid_channels": True},
        {"head_convolutions": None},
        {"head_convolutions": 1.5},
        {"backbone": {"mlp_ratio": float("nan")}},
        {"backbone": {"mlp_ratio": float("inf")}},
    ],
)
def test_a_header_that_describes_no_detector_is_one_clear_error(detector, tmp_path, change):
    path = tmp_path / "small.safetensors"
    save_detector(detector, path)
    rewrite_config(path, change)
    with pytest.raises(WeightsError, match="the header does not describe a detector"):
        load_detector(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": {"dim": 3 * 10**7, "heads": 3}}, "tensors do not fit, first backbone"),
        ({"backbone": {"depth": 4 * 10**12}}, "describes more layers than the file has tensors for"),
        ({"backbone": {"window_size": 10**9}}, "does not describe a model"),
        ({"backbone": {"mlp_ratio": 1e300}}, "does not describe a model"),
        ({"pyramid_channels": 10**7}, "tensors do not fit, first"),
        ({"head_convolutions": 10**9}, "describes more layers than the file has tensors for"),
    ],
)
def test_a_header_takes_no_memory_for_shapes_that_its_file_does_not_have(detector, tmp_path, change, message):
    path = tmp_path / "small.safetensors"
    save_detector(detector, path)
    rewrite_config(path, change)
    with pytest.raises(WeightsError, match=message):
        load_detector(path)


def test_truncated_and_foreign_weights_are_one_clear_error(detector, tmp_path):
    path = tmp_path / "small.safetensors"
    save_detector(detector, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        load_detector(path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match=r"format 'foveate-detector-1' or .* are required, got 'no format at all'"):
        load_detector(path)


def test_bfloat16_finds_the_same_objects_as_float32(detector, tmp_path):
    path = tmp_path / "small.safetensors"
    save_detector(detector, path)
    scores = [load_detector(path, dtype=dtype).detect(frame(300, 500)).scores[:5] for dtype in ("float32", "bfloat16")]
    np.testing.assert_allclose(scores[0], scores[1], atol=0.05)
