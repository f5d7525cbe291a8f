"""Published models on frames: against the processors and models of transformers, from end to end."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from foveate.core import InputError, split_regions
from foveate.models.families import DepthEstimator, FeatureExtractor, PublishedDetector, load_model
from foveate.models.families.published import ScoreRule

from .checkpoints import NORMAL, PREPROCESSORS

pytestmark = pytest.mark.oracle
DETECTORS = ["lw_detr", "rf_detr", "yolos"]
ALL = ["depth_anything", "dinov2", "dinov3_vit", "sam", *DETECTORS]


def processor(kind):
    """The image processor of transformers that needs no torchvision."""
    import transformers

    name = {"depth_anything": "DPT", "lw_detr": "DeformableDetr", "sam": "Sam", "yolos": "Yolos"}[kind]
    return getattr(transformers, f"{name}ImageProcessorPil")(**NORMAL | PREPROCESSORS[kind])


def theirs_on(kind, network, frame):
    """Boxes, scores and labels by transformers alone, above 0.2."""
    if kind == "rf_detr":  # its processor needs torchvision: resized without smoothing, read as its code says
        pixels = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
        small = F.interpolate(pixels, size=(112, 112), mode="bilinear", align_corners=False)
        mean, std = (torch.tensor(NORMAL[key]).reshape(3, 1, 1) for key in ("image_mean", "image_std"))
        outputs = network((small - mean) / std)
        reader, most = processor("lw_detr"), {"top_k": outputs.logits.shape[1]}
    else:
        reader, most = processor(kind), {}
        inputs = reader(frame, return_tensors="pt")
        outputs = network(inputs["pixel_values"])
    found = reader.post_process_object_detection(outputs, threshold=0.2, target_sizes=[frame.shape[:2]], **most)[0]
    order = found["scores"].argsort(descending=True, stable=True)
    return {key: value[order].numpy() for key, value in found.items()}


@pytest.mark.parametrize("kind", DETECTORS)
@torch.inference_mode()
def test_a_detector_answers_as_transformers_does(kind, published, frame):
    folder, network = published(kind)
    detector = load_model(folder, dtype="float32")
    assert isinstance(detector, PublishedDetector)
    expected = theirs_on(kind, network, frame)
    found = detector.detect(frame, score_threshold=0.2)
    assert len(found) == len(expected["scores"]) > 3
    np.testing.assert_allclose(found.scores, expected["scores"], atol=2e-2)
    assert np.mean(np.abs(found.scores - expected["scores"])) < 2e-3  # Pillow rounds a few pixels otherwise
    clipped = np.clip(expected["boxes"], 0, np.array([500, 300, 500, 300]))
    close = np.abs(found.boxes - clipped).max(axis=1) < 3
    assert close.mean() > 0.8  # others have changed places with an equal score
    assert (found.class_id == expected["labels"])[close].mean() > 0.8
    assert found.class_names == ("person", "car", "N/A")


@pytest.mark.parametrize("kind", DETECTORS)
def test_a_detector_is_a_module_that_holds_its_network(kind, published, frame):
    detector = load_model(published(kind)[0], dtype="float32")
    assert isinstance(detector, PublishedDetector)
    weights = dict(detector.network.named_parameters())
    assert [name.removeprefix("network.") for name, _ in detector.named_parameters()] == list(weights)
    assert len(detector.state_dict()) >= len(weights)
    expected = detector.detect(frame, score_threshold=0.2)
    found = detector.double().detect(frame, score_threshold=0.2)
    assert next(detector.network.parameters()).dtype == torch.float64
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.1)
    assert copy.deepcopy(detector).detect(frame, score_threshold=0.2) == found
    assert {weight.device.type for weight in detector.to("meta").network.parameters()} == {"meta"}


@torch.inference_mode()
def test_depth_is_as_transformers_gives_it(published, frame):
    folder, network = published("depth_anything")
    model = load_model(folder, dtype="float32")
    assert isinstance(model, DepthEstimator)
    reader = processor("depth_anything")
    outputs = network(reader(frame, return_tensors="pt")["pixel_values"])
    expected = reader.post_process_depth_estimation(outputs, target_sizes=[(300, 500)])[0]["predicted_depth"]
    got = model.predict(frame)
    assert got.shape == (300, 500)
    assert np.abs(got - expected.numpy()).mean() < 0.01 * expected.std()


@torch.inference_mode()
def test_embeddings_of_sam_are_as_transformers_gives_them(published, frame):
    folder, network = published("sam")
    model = load_model(folder, dtype="float32")
    assert isinstance(model, FeatureExtractor)
    expected = network.get_image_embeddings(processor("sam")(frame, return_tensors="pt")["pixel_values"])[0]
    (got,) = model.predict(frame)
    assert (got - expected).abs().mean() < 0.01 * expected.std()


@pytest.mark.parametrize(("kind", "patch"), [("dinov2", 14), ("dinov3_vit", 16)])
@torch.inference_mode()
def test_features_are_of_the_frame_at_its_own_size(kind, patch, published, frame):
    folder, network = published(kind)
    model = load_model(folder, dtype="float32")
    size = [round(side / patch) * patch for side in frame.shape[:2]]
    given = model.path.preprocessing(frame)
    assert list(given.shape[1:]) == size
    for got, expected in zip(model.predict(frame), network(given[None]).feature_maps, strict=True):
        torch.testing.assert_close(got, expected[0], atol=1e-4, rtol=1e-4)


def parts_of(answer):
    if hasattr(answer, "boxes"):
        return [answer.scores, answer.boxes]
    return [np.asarray(part) for part in (answer if isinstance(answer, tuple) else (answer,))]


def look(model, frames, masks, points):
    if isinstance(model, PublishedDetector):
        return model.detect_batch(frames, masks, points, score_threshold=0.05)
    return model.predict_batch(frames, masks, points)


@pytest.mark.parametrize("kind", ALL)
def test_frames_of_any_sizes_masks_and_points_may_share_a_batch(kind, published, frame):
    model = load_model(published(kind)[0], dtype="float32")
    latest = model.restoration_points[-1]
    frames = [frame, frame[:200, :300].copy(), frame[::-1].copy()]
    rng = np.random.default_rng(0)
    masks = [rng.random(model.region_grid(*pixels.shape[:2]).shape) < 0.6 for pixels in frames]
    masks[2] = None
    points = [1, latest, 0]
    together = look(model, frames, masks, points)
    for i, answer in enumerate(together):
        for got, alone in zip(
            parts_of(answer), parts_of(look(model, [frames[i]], [masks[i]], [points[i]])[0]), strict=True
        ):
            np.testing.assert_allclose(got, alone, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", ["depth_anything", "yolos"])
def test_a_mixed_frame_is_a_frame_with_its_mask(kind, published, frame):
    model = load_model(published(kind)[0], dtype="float32")
    grid = model.region_grid(300, 500)
    mask = np.random.default_rng(1).random(grid.shape) < 0.5
    mixed = split_regions(frame, grid, mask)
    by_mask = look(model, [frame], [mask], None)[0]
    by_tiles = look(model, [mixed], None, None)[0]
    for first, second in zip(parts_of(by_mask), parts_of(by_tiles), strict=True):
        assert np.array_equal(first, second)
    plain = look(model, [frame], None, None)[0]
    assert not np.array_equal(parts_of(plain)[0], parts_of(by_mask)[0])


def test_frames_at_their_own_size_are_rounded_to_whole_regions_of_the_windows(published, frame):
    detector = load_model(published("lw_detr")[0], dtype="float32", input_size="own")
    assert detector.path.preprocessing(frame).shape == (3, 320, 512)  # 2 x 2 windows of regions of 32 pixels
    assert len(detector.detect(frame, score_threshold=0.05)) > 0
    assert detector.weights_hash != load_model(published("lw_detr")[0]).weights_hash


@pytest.mark.parametrize("kind", ["rf_detr", "sam"])
def test_models_of_one_size_do_not_take_a_frame_at_its_own(kind, published):
    with pytest.raises(InputError, match="one size only"):
        load_model(published(kind)[0], input_size="own")


@pytest.mark.parametrize("kind", ALL)
def test_in_bfloat16_heads_still_answer_in_float32(kind, published, frame):
    model = load_model(published(kind)[0], dtype="bfloat16")
    assert next(model.network.mixed_backbone.parameters()).dtype == torch.bfloat16
    mask = np.ones(model.region_grid(300, 500).shape, bool)
    answer = look(model, [frame], [mask], [1])[0]
    assert all(part.dtype == np.float32 for part in parts_of(answer))


def test_what_does_not_fit_is_refused(published, frame):
    model = load_model(published("depth_anything")[0])
    with pytest.raises(InputError, match=r"must lie in 0..4, got 5"):
        model.predict(frame, None, 5)
    with pytest.raises(InputError, match=r"must be bool of shape \(3, 4\)"):
        model.predict(frame, np.zeros((2, 2), bool))
    other = split_regions(
        frame, load_model(published("depth_anything")[0], downsampling_factor=4).region_grid(300, 500)
    )
    with pytest.raises(InputError, match="needs frames cut by"):
        model.predict(other)


def test_scores_of_sigmoids_are_pairs_of_query_and_class():
    logits = torch.tensor([[0.0, 3.0], [2.0, -1.0], [-9.0, -9.0]])
    scores, classes, queries = ScoreRule(no_object=False, most=3).best(logits)
    assert classes.tolist() == [1, 0, 0]
    assert queries.tolist() == [0, 1, 0]
    assert torch.equal(scores, torch.tensor([3.0, 2.0, 0.0]).sigmoid())


def test_scores_of_a_softmax_leave_out_no_object():
    logits = torch.tensor([[0.0, 1.0, 9.0], [2.0, 1.0, 0.0]])
    scores, classes, queries = ScoreRule(no_object=True).best(logits)
    assert queries.tolist() == [1, 0]
    assert classes.tolist() == [0, 1]
    assert torch.equal(scores, logits.softmax(-1)[[1, 0], [0, 1]])


def test_attention_of_a_published_detector_is_not_read(published, frame):
    from foveate.models import detect_with_importance

    folder, _ = published("yolos")
    with pytest.raises(InputError, match="a detector on our plain ViT is needed"):
        detect_with_importance(load_model(folder, dtype="float32"), frame)
