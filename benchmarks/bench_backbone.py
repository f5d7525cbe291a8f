"""Backbone and detector at 1088 x 1920: against Hugging Face's VitDet, and mixed against full resolution.

    python benchmarks/bench_backbone.py [--rounds 7] [--json FILE]

Cost: about 5 minutes on two cores. Expected: docs/results.md. Backbones alone have random weights: values do not
change their time.
"""

import argparse
import json
import statistics
from functools import partial
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import torch
from timing import dtype_name, dtypes, interleaved, machine, median_ratio, milliseconds

from foveate.codec import VideoReader
from foveate.core import RegionGrid, split_regions
from foveate.models import Backbone, BackboneConfig, backbone_flops, load_detector
from foveate.models.suppression import CANDIDATES

SIZE = (1088, 1920)
SAMPLE = Path(__file__).parents[1] / "src" / "foveate" / "samples" / "street.mp4"
SHARES = (0.25, 0.5, 0.75)


def plain_backbone(*, relative: bool = False) -> Backbone:
    """192 wide, 12 deep; with `relative`, the decomposed relative positions that published ViTDets have."""
    size = (SIZE[0] // 16, SIZE[1] // 16) if relative else None
    return Backbone(BackboneConfig(dim=192, depth=12, heads=3, relative_size=size)).eval()


def huggingface_backbone(*, relative: bool) -> torch.nn.Module | None:
    """The same shape by transformers, or None where it is not installed."""
    try:
        from transformers import VitDetBackbone, VitDetConfig  # noqa: PLC0415 - may be missing
    except ImportError:
        return None
    config = VitDetConfig(
        hidden_size=192,
        num_hidden_layers=12,
        num_attention_heads=3,
        image_size=list(SIZE),
        window_size=9,
        window_block_indices=[i for i in range(12) if i % 3 != 2],
        use_relative_position_embeddings=relative,
    )
    return VitDetBackbone(config).eval()


def mask_of(grid: RegionGrid, share: float) -> np.ndarray:
    """A seeded mask with this share of the regions downsampled."""
    order = np.random.default_rng(0).permutation(len(grid))
    return (order < round(share * len(grid))).reshape(grid.shape)


def against_huggingface(rounds: int) -> list[dict[str, object]]:
    """Full resolution, in the dtype of inference and in float32, without and with relative positions."""
    rows: list[dict[str, object]] = []
    for relative, dtype in product((False, True), dtypes()):
        theirs = huggingface_backbone(relative=relative)
        if theirs is None:
            print("transformers is not installed: pip install -r requirements-oracle.txt -c constraints.txt")
            return rows
        ours, image = plain_backbone(relative=relative).to(dtype), torch.randn(1, 3, *SIZE, dtype=dtype)
        calls = {"ours": partial(ours, image), "theirs": partial(theirs.to(dtype), image)}
        seconds = interleaved(calls, rounds=rounds)
        ratio = median_ratio(seconds["theirs"], seconds["ours"])
        name = dtype_name(dtype)
        print(
            f"{name}, {'with' if relative else 'without'} relative positions: ours {milliseconds(seconds['ours'])} ms, "
            f"VitDetBackbone {milliseconds(seconds['theirs'])} ms, {ratio:.2f} times faster",
            flush=True,
        )
        medians = {k: statistics.median(v) for k, v in seconds.items()}
        rows.append({"dtype": name, "relative": relative, "ratio": ratio, **medians})
    return rows


def mixed_backbone(rounds: int) -> list[dict[str, float]]:
    """Speed-up and ratio of operations by share of downsampled regions and restoration point, as inference computes.

    Where that is not in float32, full resolution in float32 stands beside it.
    """
    dtype, *others = dtypes()
    model = plain_backbone().to(dtype)
    grid, image = model.config.grid(*SIZE), torch.randn(1, 3, *SIZE, dtype=dtype)
    calls = {"full": lambda: model(image)}
    for other in others:
        calls[f"full, {dtype_name(other)}"] = partial(plain_backbone().to(other), image.to(other))
    for share in SHARES:
        masks = torch.from_numpy(mask_of(grid, share))[None]
        for point in range(1, 5):
            calls[f"{share} {point}"] = lambda m=masks, p=point: model(image, m, [p])
    seconds = interleaved(calls, rounds=rounds)
    full, rows = backbone_flops(model.config, grid), []
    print(f"backbone, {dtype_name(dtype)}, full resolution: {milliseconds(seconds['full'])} ms")
    for other in others:
        print(f"backbone, {(name := dtype_name(other))}, full resolution: {milliseconds(seconds[f'full, {name}'])} ms")
    print("share  beta  ms                speed-up  FLOP ratio  speed-up / ratio")
    for share in SHARES:
        for point in range(1, 5):
            took = seconds[f"{share} {point}"]
            gain = median_ratio(seconds["full"], took)
            ratio = full / backbone_flops(model.config, grid, mask_of(grid, share), point)
            print(f"{share:5.0%}  {point:4d}  {milliseconds(took):16s}  {gain:8.2f}  {ratio:10.2f}  {gain / ratio:.2f}")
            rows.append({"share": share, "beta": point, "s": statistics.median(took), "speedup": gain, "flops": ratio})
    return rows


def sample_frame() -> np.ndarray:
    """The first frame of the sample clip, enlarged."""
    with VideoReader(SAMPLE) as reader:
        return cv2.resize(next(iter(reader)), SIZE[::-1])


def whole_detector(rounds: int) -> list[dict[str, float]]:
    """`detect` on decoded tiles of the sample clip: speed-up, and the share that is not backbone.

    Boxes are computed for promising cells alone, so this part needs weights that find something.
    """
    model, pixels = load_detector("vitdet-tiny-world"), sample_frame()
    grid = model.region_grid(*SIZE)
    with torch.inference_mode():
        features = model.backbone(model.normalised(torch.from_numpy(pixels).permute(2, 0, 1)[None]))
        candidates = len(model.head(model.pyramid(features), model.score_threshold, CANDIDATES)[0].scores)
    frames = {share: split_regions(pixels, grid, mask_of(grid, share)) for share in SHARES}
    plain = split_regions(pixels, grid)
    calls = {"full": lambda: model.detect(plain)}
    for share, frame in frames.items():
        calls[f"{share}"] = lambda f=frame: model.detect(f, restoration_point=4)
    calls["pyramid and head"] = lambda: model.head(model.pyramid(features), model.score_threshold, CANDIDATES)
    seconds = interleaved(calls, rounds=rounds)
    tail, rows = statistics.median(seconds["pyramid and head"]), []
    print(
        f"detector vitdet-tiny, {dtype_name(dtypes()[0])}, full: {milliseconds(seconds['full'])} ms; "
        f"pyramid and head {1e3 * tail:.0f} ms = {tail / statistics.median(seconds['full']):.0%} "
        f"with {candidates} candidates"
    )
    for share in SHARES:
        took = seconds[f"{share}"]
        gain = median_ratio(seconds["full"], took)
        part = tail / statistics.median(took)
        print(
            f"{share:.0%} downsampled, beta 4: {milliseconds(took)} ms, {gain:.2f} times; pyramid and head {part:.0%}"
        )
        rows.append({"share": share, "s": statistics.median(took), "speedup": gain, "pyramid_and_head": part})
    return rows


def main() -> None:
    """Print the tables; with --json also write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(machine())
    report = {
        "machine": machine(),
        "size": SIZE,
        "dtype": dtype_name(dtypes()[0]),
        "huggingface": against_huggingface(arguments.rounds),
        "backbone": mixed_backbone(arguments.rounds),
        "detector": whole_detector(arguments.rounds),
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
