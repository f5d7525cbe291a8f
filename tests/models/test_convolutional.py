"""The convolutional detector: the same surface as the ViT detectors', without anything to save on low regions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foveate.core import InputError, WeightsError, join_regions, split_regions
from foveate.evaluation.cards.latency import first_frame
from foveate.experiments.inputs import SAMPLES
from foveate.models import (
    ConvDetector,
    ConvDetectorConfig,
    ImportanceOptions,
    convdet_small,
    detect_with_importance,
    find_weights,
    load_detector,
    read_card,
    read_config,
    save_detector,
)
from foveate.models.weights import SHIPPED

SMALL = ConvDetectorConfig(
    channels=(8, 8, 16), blocks=(1, 1, 1), strides=(8, 16), pyramid_channels=16, score_threshold=0.0
)


@pytest.fixture(scope="module")
def detector() -> ConvDetector:
    torch.manual_seed(0)
    made = ConvDetector(SMALL, name="small")
    for name, parameter in made.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2 if "head" in name else 0.1)
    return made.eval()


def frame(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(300, 500), (501, 301), (16, 16), (1, 1)])
def test_frames_of_any_size_are_answered_with_boxes_inside(detector, size):
    found = detector.detect(frame(*size))
    assert len(found) > 0
    assert (found.boxes >= 0).all()
    assert (found.boxes <= [size[1], size[0], size[1], size[0]]).all()


def test_a_batch_gives_each_frame_what_it_gets_alone(detector):
    frames = [frame(300, 500), frame(96, 130, 1), frame(300, 500, 2)]
    masks = [None, None, np.array([[True, False], [False, True]])]
    for one, image, mask in zip(detector.detect_batch(frames, masks), frames, masks, strict=True):
        assert one == detector.detect(image, mask)


def test_low_regions_are_enlarged_before_anything_is_computed(detector):
    image, mask = frame(301, 507), np.array([[True, False], [False, True]])
    mixed = split_regions(image, detector.region_grid(301, 507), mask)
    assert detector.detect(image, mask) == detector.detect(join_regions(mixed)) == detector.detect(mixed)
    assert detector.detect(image, mask) != detector.detect(image)
    assert list(detector.restoration_points) == [0]
    with pytest.raises(InputError, match=r"0\.\.0"):
        detector.detect(image, mask, 1)


def test_training_sees_low_regions_as_inference_does(detector):
    image, mask = frame(301, 507), np.array([[True, False], [False, True]])
    mixed = join_regions(split_regions(image, detector.region_grid(301, 507), mask))
    images = torch.from_numpy(image).permute(2, 0, 1)[None]
    pixels = detector._blurred(detector.normalised(images), torch.from_numpy(mask)[None])
    wanted = detector.normalised(torch.from_numpy(mixed).permute(2, 0, 1)[None])
    assert (pixels - wanted).abs().max() < 1.5 / 57  # both roundings to whole levels


def test_forward_on_tensors_agrees_with_detect(detector):
    image = frame(288, 576)
    output = detector(torch.from_numpy(image).permute(2, 0, 1)[None])
    best = output.class_logits.sigmoid().max().item()
    assert detector.detect(image).scores.max() == pytest.approx(best, abs=1e-5)
    assert output.points[0].tolist() == [4, 4]


def test_an_object_moves_with_the_picture(detector):
    """By whole cells of the coarsest level, away from borders: the network knows no places."""
    grey = np.full((768, 768, 3), 128, np.uint8)
    here, there = grey.copy(), grey.copy()
    here[340:380, 340:380] = there[372:412, 404:444] = frame(40, 40)
    with torch.inference_mode():
        a, b = (detector(torch.from_numpy(p).permute(2, 0, 1)[None]).class_logits[0] for p in (here, there))
    a, b = (x[: 96 * 96].reshape(96, 96, -1) for x in (a, b))
    torch.testing.assert_close(a[40:50, 40:50], b[44:54, 48:58], atol=1e-5, rtol=0)
    assert (a[40:50, 40:50] - a[60:70, 60:70]).abs().max() > 1e-3


def test_a_file_brings_back_shape_weights_and_threshold(detector, tmp_path):
    path = tmp_path / "small.safetensors"
    save_detector(detector, path, score_threshold=0.25, dtype=torch.float32)
    loaded = load_detector(path, dtype="float32")
    assert isinstance(loaded, ConvDetector)
    assert loaded.config == replace(SMALL, score_threshold=0.25)
    assert loaded.detect(frame(96, 130), score_threshold=0.0) == detector.detect(frame(96, 130))
    assert read_config(path)[1] == sum(p.numel() for p in detector.parameters())


def test_it_has_no_windows_and_no_attention(detector, tmp_path):
    path = tmp_path / "small.safetensors"
    save_detector(detector, path)
    with pytest.raises(InputError, match="no windows"):
        load_detector(path, window_size=9)
    with pytest.raises(InputError, match="no attention"):
        detect_with_importance(detector, frame(96, 130), ImportanceOptions())


def test_a_header_that_describes_no_such_detector_is_refused(detector, tmp_path):
    path = tmp_path / "small.safetensors"
    save_detector(detector, path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'\\"strides\\": [8, 16]', b'\\"strides\\": [8, 17]'))
    with pytest.raises((InputError, WeightsError), match="16"):
        load_detector(path)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"strides": (16, 8)}, "pyramid"),
        ({"strides": ()}, "pyramid"),
        ({"blocks": (1, 1)}, "blocks"),
        ({"channels": (8, 0, 16)}, "channels"),
        ({"class_names": ()}, "classes"),
        ({"score_threshold": 1.5}, "score_threshold"),
    ],
)
def test_shapes_that_cannot_be_are_refused(changes, problem):
    with pytest.raises(InputError, match=problem):
        replace(SMALL, **changes)


def test_the_preset_knows_street_classes():
    made = convdet_small()
    assert made.name == "convdet-small"
    assert "person" in made.class_names


def test_trained_weights_ship_under_our_licence():
    path = find_weights("convdet-small-world")
    assert path.parent == SHIPPED
    config, parameters = read_config(path)
    assert config == replace(convdet_small().config, score_threshold=config.score_threshold)
    assert round(parameters / 1e6, 1) == 3.8
    assert read_card(path)["terms"] == "Apache-2.0"
    assert path.with_suffix(".md").read_text().startswith("# convdet-small-world\n")


def test_the_shipped_weights_find_the_cars_of_the_sample():
    frame = first_frame(SAMPLES / "street.mp4")
    found = load_detector("convdet-small-world").detect(frame)
    assert "car" in {found.class_names[label] for label in found.class_id}
