"""Guards against lost speed: each part against bare work on the same data, timed in turn in one run.

No absolute time appears: processor time of one thread, medians of ratios within a round, the best of three tries. A
bound lies a third or so above the largest ratio seen on machine B of docs/results.md (and C, where it says so), alone
and beside busy neighbours, so that half as much work again does not pass. Each test says what it holds against what,
and what would make it fail.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle

import cv2
import numpy as np
import pytest
import simplejpeg
import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.codec import decode_frame, encode_frame
from foveate.codec.mosaic import full_mosaic, low_mosaic
from foveate.core import Detections, Pixels, RegionGrid
from foveate.estimators import load_profile, natural_breaks
from foveate.metrics import iou_matrix, match, suppress
from foveate.models import Backbone, BackboneConfig, Detector, DetectorConfig, backbone_flops
from foveate.models.block import Block
from foveate.models.layout import frame_layout
from foveate.models.nms import nms, pairwise_iou
from foveate.models.weights import choose_dtype, for_inference
from foveate.policies import VitMAlis
from foveate.policies.knapsack import best_choice
from foveate.profiling.device import decision_state, some_objects
from foveate.profiling.masks import mask_with
from foveate.tracking import MotionAnalyser, Tracker, reduce

Call = Callable[[], object]
GRID = RegionGrid(height=720, width=1280)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of OpenCV and torch would share the work with a busy machine's other processes in changing parts."""
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with torch.inference_mode():
        yield
    cv2.setNumThreads(before[0])
    torch.set_num_threads(before[1])


def seconds(call: Call, times: int) -> float:
    """Processor time of the whole process: work that moves to another thread still counts."""
    start = time.process_time()
    for _ in range(times):
        call()
    return time.process_time() - start


def ratio(work: Call, bare: Call, *, rounds: int, times: int = 1) -> float:
    """How many times as long as `bare` `work` takes: median over rounds that follow one that does not count."""
    in_rounds = [seconds(work, times) / seconds(bare, times) for _ in range(rounds + 1)]
    return statistics.median(in_rounds[1:])


def assert_at_most(bound: float, work: Call, bare: Call, *, rounds: int = 15, times: int = 1) -> None:
    """The best of three tries counts: neighbours make a ratio worse for a while, a slow part makes it so always."""
    tries = []
    for _ in range(3):
        tries.append(ratio(work, bare, rounds=rounds, times=times))
        if tries[-1] <= bound:
            break
    assert min(tries) <= bound, f"takes {tries} times its reference in three tries, expected at most {bound}"


@pytest.fixture(scope="module")
def frames() -> list[Pixels]:
    """A smooth texture that moves by three pixels a frame: as JPEG and optical flow like a picture, not like noise."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (GRID.height // 16, GRID.width // 16, 3)).astype(np.uint8)
    whole = cv2.resize(coarse, (GRID.width, GRID.height), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(np.roll(whole, 3 * shift, axis=1)) for shift in range(4)]


@pytest.fixture(scope="module")
def detector() -> Detector:
    """Four blocks, in the number format that this machine multiplies fast."""
    torch.manual_seed(0)
    cpu = torch.device("cpu")
    config = DetectorConfig(backbone=BackboneConfig(dim=96, depth=4, heads=2, subsets=2))
    ready = for_inference(Detector(config), cpu, choose_dtype("auto", cpu))
    assert isinstance(ready, Detector)
    return ready


@pytest.fixture(scope="module")
def backbone(detector: Detector) -> Backbone:
    return detector.backbone


IMAGE = (576, 864)
"""Two by three regions."""


def inference(backbone: Backbone, low: int, restoration_point: int) -> Call:
    grid = backbone.config.grid(*IMAGE)
    image = torch.rand(1, 3, *IMAGE, dtype=next(backbone.parameters()).dtype)
    masks = torch.from_numpy(mask_with(grid, low, seed=0))[None]
    return lambda: backbone(image, masks, [restoration_point])


def test_normalising_tiles_against_one_number_for_all_colours(detector: Detector) -> None:
    """Fails when colours are looped over pixel by pixel, or pixels copied once more."""
    tiles, dtype = np.zeros((6, 288, 288, 3), np.uint8), next(detector.parameters()).dtype

    def bare() -> None:
        torch.from_numpy(tiles).to(dtype).sub_(1).mul_(2)

    assert_at_most(1.75, lambda: detector.normalised_tiles([tiles]), bare, times=3)


def plain_block(tokens: Tensor, block: Block) -> Tensor:
    """A block of a ViT as torch's own functions write it: `(windows, tokens, C)` -> the same."""
    count, length, dim = tokens.shape
    heads = block.attention.heads
    joint = block.attention.qkv(block.norm1(tokens)).reshape(count, length, 3, heads, dim // heads)
    mixed = F.scaled_dot_product_attention(*joint.permute(2, 0, 3, 1, 4).unbind()).transpose(1, 2)
    tokens = tokens + block.attention.proj(mixed.reshape(count, length, dim))
    return tokens + block.fc2(F.gelu(block.fc1(block.norm2(tokens))))


def test_backbone_against_the_same_blocks_in_plain_torch(backbone: Backbone) -> None:
    """Fails when blocks copy, convert or pad more, or attend by a slower way than torch's own."""
    config, layout = backbone.config, frame_layout(backbone.config.grid(*IMAGE))
    windows = torch.randn(layout.windows, config.window_size**2, config.dim, dtype=next(backbone.parameters()).dtype)

    def bare() -> None:
        tokens = windows
        for block in backbone.blocks:
            tokens = plain_block(tokens.reshape(1, -1, config.dim) if block.is_global else tokens, block)
            tokens = tokens.reshape(windows.shape)

    # In float32, where products are slow, torch's own attention is the faster one: 1.12 to 1.16 seen on machine C.
    bound = 1.0 if windows.dtype == torch.bfloat16 else 1.5
    assert_at_most(bound, inference(backbone, 0, 0), bare)


def test_mixed_against_full_resolution(backbone: Backbone) -> None:
    """Fails when downsampled regions are computed in full somewhere, or cutting and restoring costs more."""
    grid = backbone.config.grid(*IMAGE)
    operations = backbone_flops(backbone.config, grid, mask_with(grid, 4, seed=0), 2) / backbone_flops(
        backbone.config, grid
    )
    assert_at_most(1.4 * operations, inference(backbone, 4, 2), inference(backbone, 0, 0))


def test_head_that_looks_for_boxes_against_the_dense_one(detector: Detector) -> None:
    """Fails when boxes are computed for cells that no score makes worth it."""
    head, dtype = detector.head, next(detector.parameters()).dtype
    levels = [torch.randn(1, 96, 288 // stride, 512 // stride, dtype=dtype) for stride in head.strides]
    levels = [level.to(memory_format=torch.channels_last) for level in levels]
    assert_at_most(0.95, lambda: head(levels, 0.0, 50), lambda: head.dense(levels))


def test_suppression_against_one_table_of_overlaps() -> None:
    """Fails when overlaps are computed twice, or boxes are looked at one by one."""
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 900, (400, 2)), rng.uniform(10, 100, (400, 2))
    boxes = torch.from_numpy(np.concatenate([corner, corner + size], axis=1)).float()
    scores, class_id = torch.from_numpy(rng.random(400)), torch.zeros(400, dtype=torch.int64)
    assert_at_most(3.5, lambda: nms(boxes, scores, class_id, 0.5), lambda: pairwise_iou(boxes, boxes), times=10)


def crowd(seed: int) -> Detections:
    rng = np.random.default_rng(seed)
    found = some_objects(GRID, 200)
    return replace(found, boxes=found.boxes + rng.normal(0, 3, (200, 4)), scores=rng.random(200))


def test_matching_against_one_table_of_overlaps() -> None:
    """Fails when every prediction looks at every object again."""
    predicted, truth = crowd(0), crowd(1)
    assert_at_most(2.55, lambda: match(predicted, truth), lambda: iou_matrix(predicted.boxes, truth.boxes), times=5)


def test_suppression_on_a_device_against_one_table_of_overlaps() -> None:
    """Fails when boxes are compared one by one."""
    found = crowd(0)
    assert_at_most(2.8, lambda: suppress(found, 0.5), lambda: iou_matrix(found.boxes, found.boxes), times=5)


def test_packing_and_encoding_against_bare_jpeg_of_the_same_pixels(frames: list[Pixels]) -> None:
    """Fails when mosaics are drawn by more than one copy, or in fresh memory."""
    pixels, mask = frames[0], mask_with(GRID, len(GRID) // 2, seed=0)
    mosaics = [np.ascontiguousarray(draw(pixels, GRID, mask)) for draw in (full_mosaic, low_mosaic)]

    def bare() -> None:
        for mosaic in mosaics:
            simplejpeg.encode_jpeg(mosaic, quality=90, colorsubsampling="420")

    assert_at_most(1.85, lambda: encode_frame(pixels, grid=GRID, mask=mask, quality=90), bare, times=3)


def test_decoding_to_tiles_against_bare_jpeg(frames: list[Pixels]) -> None:
    """Fails when decoded pixels are copied more than once on their way into tiles."""
    mask = mask_with(GRID, len(GRID) // 2, seed=0)
    encoded = encode_frame(frames[0], grid=GRID, mask=mask, quality=90)

    def bare() -> None:
        for data in (encoded.full, encoded.low):
            simplejpeg.decode_jpeg(data, fastupsample=True)

    assert_at_most(2.15, lambda: decode_frame(encoded, grid=GRID, mask=mask), bare, times=3)


def test_tracker_against_bare_optical_flow(frames: list[Pixels]) -> None:
    """Fails when points are followed more than there and back, or boxes are moved one by one."""
    greys = [reduce(pixels) for pixels in frames]
    tracker, turns = Tracker(), cycle([1, 2, 3, 2, 1, 0])
    tracker.restart(some_objects(GRID, 30), greys[0])
    points = np.random.default_rng(0).uniform(20, 340, (360, 2)).astype(np.float32)

    def bare() -> None:
        cv2.calcOpticalFlowPyrLK(
            greys[0].tracking, greys[1].tracking, points, points.copy(), winSize=(11, 11), maxLevel=3
        )

    assert_at_most(2.7, lambda: tracker.advance(greys[next(turns)]), bare, times=6)


def test_motion_against_bare_background_subtraction(frames: list[Pixels]) -> None:
    """Fails when frames are reduced twice or at full size, or regions are counted one by one."""
    analyser, turns = MotionAnalyser(GRID), cycle([0, 1, 2, 3, 2, 1])
    subtractor, others = cv2.createBackgroundSubtractorMOG2(500, 16.0), cycle([0, 1, 2, 3, 2, 1])
    subtractor.setNMixtures(3)
    small = [reduce(pixels).motion for pixels in frames]
    assert_at_most(
        1.85,
        lambda: analyser.update(reduce(frames[next(turns)])),
        lambda: subtractor.apply(small[next(others)]),
        times=6,
    )


def small_steps() -> None:
    """A fixed number of numpy's calls on small arrays, of which the device's decisions consist."""
    numbers, weights = np.ones((77, 24)), np.ones((24, 64))
    for _ in range(40):
        total = np.maximum(numbers @ weights, 0.0).sum(axis=1)
        np.concatenate([total[total > 1.0], total * 2.0 + 1.0])


def test_decision_against_small_steps_of_numpy() -> None:
    """Fails when configurations are estimated one by one, or more than once."""
    state, policy = decision_state(load_profile("cpu-2core-vitdet-tiny"), GRID, objects=30), VitMAlis()
    assert_at_most(1.42, lambda: policy.decide(state), small_steps, times=10)


def test_natural_breaks_against_a_sort() -> None:
    """Fails when all pairs of bins are tried. The sort is one that takes no vector instructions on any processor."""
    values = np.random.default_rng(0).lognormal(size=32_400)
    assert_at_most(2.2, lambda: natural_breaks(values), lambda: np.sort(values, kind="stable"), times=3)


def test_knapsack_against_small_steps_of_numpy() -> None:
    """Fails when sizes are counted in bytes, or choices are copied for each size."""
    rng = np.random.default_rng(0)
    worth, size = np.sort(rng.random((3, 7)), axis=1), np.sort(rng.integers(10, 700, (3, 7)), axis=1)
    assert_at_most(0.225, lambda: best_choice(worth, size, 1000), small_steps, times=20)
