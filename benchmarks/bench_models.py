"""Published models at mixed resolution: speed-up of the whole network by share of coarse regions and restoration point.

    taskset -c 1 python benchmarks/bench_models.py [NAME ...] [--rounds 3] [--json FILE]

Small networks with random values, at the token counts of the published ones; heads included; backbones in
bfloat16 where the processor multiplies it fast, as `load_model` runs them. Masks are random over the
regions of a 720p frame, as a codec sends them; the share is that of the network's own regions that become coarse.
Times are CPU seconds of one thread, so that other work on the machine matters little.
`vitdet-w14` and `vitdet-w9` are ViTDet-B in its published shape, heads in bfloat16 too, at its own window and at 9.
Cost: about 2 minutes a model on one core, ViTDet-B 8. Expected: docs/results.md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timing import interleaved, machine, median_ratio, milliseconds

from foveate.core import Mask, RegionGrid, split_regions
from foveate.models.families import MixedImages, MixedNetwork
from foveate.models.families.images import frame_grid, input_mask
from foveate.models.weights import choose_dtype, for_inference

FRAME = (720, 1280)
SHARES = (0.25, 0.5, 0.75)
VIT = {"hidden_size": 192, "num_hidden_layers": 12, "num_attention_heads": 3}
DECODER = {"group_detr": 1, "decoder_layers": 3, "num_queries": 300, "d_model": 256}


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One model, ready to run on one image."""

    note: str
    """Its shape, for the table."""
    grid: RegionGrid
    """Its decision regions."""
    points: Iterable[int]
    """Restoration points to measure, without 0."""
    run: Callable[[Mask | None, int], object]
    """An inference with a mask (None = full resolution) and a restoration point."""
    mask: Callable[[Mask], Mask]
    """A mask over the regions of a frame of `FRAME` -> one over its own."""


def contestant(network: MixedNetwork, size: tuple[int, int], note: str) -> Contestant:
    """A network of a family on an input of `size`, resized from a frame of `FRAME`."""
    network.eval().requires_grad_(requires_grad=False)
    network.mixed_backbone.to(choose_dtype("auto", torch.device("cpu")))
    grid, image = network.region_grid(*size), torch.randn(1, 3, *size)
    frame, pixels = frame_grid(*FRAME, downsampling_factor=2), np.zeros((*FRAME, 3), np.uint8)

    def run(mask: Mask | None, point: int) -> object:
        masks = None if mask is None else torch.from_numpy(mask)[None]
        return network(MixedImages(images=image, masks=masks, points=[point]))

    return Contestant(
        note=f"{note}; {grid.patches[0]} x {grid.patches[1]} patches",
        grid=grid,
        points=network.restoration_points[1:],
        run=run,
        mask=lambda mask: input_mask(split_regions(pixels, frame, mask), grid, size),
    )


def dinov2() -> Contestant:
    """DINOv2 at the size of its published evaluations."""
    from transformers import Dinov2Backbone, Dinov2Config  # noqa: PLC0415 - may be missing

    from foveate.models.families.dinov2 import MixedDinov2  # noqa: PLC0415

    theirs = Dinov2Backbone(Dinov2Config(**VIT, image_size=518, patch_size=14))
    return contestant(MixedDinov2(theirs), (518, 924), "192 wide, 12 deep")


def dinov3() -> Contestant:
    """DINOv3 on the frame at its own size."""
    from transformers import DINOv3ViTBackbone, DINOv3ViTConfig  # noqa: PLC0415

    from foveate.models.families.dinov3 import MixedDinov3  # noqa: PLC0415

    theirs = DINOv3ViTBackbone(DINOv3ViTConfig(**VIT, intermediate_size=768, num_register_tokens=4))
    return contestant(MixedDinov3(theirs), (720, 1280), "192 wide, 12 deep")


def depth_anything() -> Contestant:
    """Depth Anything, at the size that its preprocessor makes of 720p."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation  # noqa: PLC0415

    from foveate.models.families.depth_anything import MixedDepthAnything  # noqa: PLC0415

    backbone = VIT | {"model_type": "dinov2", "image_size": 518, "patch_size": 14, "reshape_hidden_states": False}
    config = DepthAnythingConfig(
        backbone_config=backbone | {"out_indices": [3, 6, 9, 12]},
        reassemble_hidden_size=192,
        neck_hidden_sizes=[24, 48, 96, 192],
        fusion_hidden_size=32,
    )
    return contestant(MixedDepthAnything(DepthAnythingForDepthEstimation(config)), (518, 924), "192 wide, 12 deep, DPT")


def lw_detr() -> Contestant:
    """LW-DETR, the shape of its small model."""
    from transformers import LwDetrConfig, LwDetrForObjectDetection  # noqa: PLC0415

    from foveate.models.families.lw_detr import MixedLwDetr  # noqa: PLC0415

    windows = {"window_block_indices": [0, 1, 3, 6, 7, 9], "out_indices": [2, 4, 5, 9], "num_windows": 16}
    backbone = VIT | {"model_type": "lw_detr_vit", "num_hidden_layers": 10} | windows
    config = LwDetrConfig(backbone_config=backbone, projector_scale_factors=[1.0], **DECODER)
    return contestant(MixedLwDetr(LwDetrForObjectDetection(config)), (640, 640), "192 wide, 10 deep, 4 x 4 windows")


def rf_detr() -> Contestant:
    """RF-DETR at the size of its base model."""
    from transformers import RfDetrConfig, RfDetrForObjectDetection  # noqa: PLC0415

    from foveate.models.families.rf_detr import MixedRfDetr  # noqa: PLC0415

    backbone = VIT | {"model_type": "rf_detr_dinov2", "image_size": 518, "patch_size": 14}
    config = RfDetrConfig(backbone_config=backbone | {"num_windows": 4, "out_indices": [2, 5, 8, 11]}, **DECODER)
    return contestant(MixedRfDetr(RfDetrForObjectDetection(config)), (560, 560), "192 wide, 12 deep, 4 x 4 windows")


def yolos() -> Contestant:
    """YOLOS, the shape and size of its tiny model."""
    from transformers import YolosConfig, YolosForObjectDetection  # noqa: PLC0415

    from foveate.models.families.yolos import MixedYolos  # noqa: PLC0415

    config = YolosConfig(**VIT, intermediate_size=768, image_size=[800, 1333], use_mid_position_embeddings=False)
    return contestant(
        MixedYolos(YolosForObjectDetection(config)), (512, 896), "192 wide, 12 deep, 100 detection tokens"
    )


def sam() -> Contestant:
    """SAM's image encoder at its one size."""
    from transformers import SamConfig, SamModel  # noqa: PLC0415

    from foveate.models.families.sam import MixedSam  # noqa: PLC0415

    vision = VIT | {"image_size": 1024, "global_attn_indexes": [2, 5, 8, 11], "mlp_dim": 768}
    return contestant(
        MixedSam(SamModel(SamConfig(vision_config=vision))), (1024, 1024), "192 wide, 12 deep, windows 14"
    )


def vitdet(window: int) -> Contestant:
    """ViTDet-B with Mask R-CNN heads, run at attention windows of `window` tokens."""
    from foveate.models import RcnnDetector, published_models, run_at_window  # noqa: PLC0415

    config = published_models()["vitdet-b-mask"].config
    backbone = run_at_window(config.backbone, window, "cut")
    cpu = torch.device("cpu")
    detector = for_inference(RcnnDetector(replace(config, backbone=backbone)), cpu, choose_dtype("auto", cpu))
    grid, pixels = detector.region_grid(*FRAME), np.random.default_rng(0).integers(0, 255, (*FRAME, 3), np.uint8)
    order = np.random.default_rng(0).permutation(len(grid)).reshape(grid.shape)
    return Contestant(
        note=f"768 wide, 12 deep, windows {window}; {grid.patches[0]} x {grid.patches[1]} patches",
        grid=grid,
        points=detector.restoration_points[1:],
        run=lambda mask, point: detector.detect(split_regions(pixels, grid, mask), restoration_point=point),
        mask=lambda mask: order < round(float(mask.mean()) * len(grid)),
    )


MODELS: dict[str, Callable[[], Contestant]] = {
    "depth_anything": depth_anything,
    "dinov2": dinov2,
    "dinov3": dinov3,
    "lw_detr": lw_detr,
    "rf_detr": rf_detr,
    "sam": sam,
    "vitdet-w14": partial(vitdet, 14),
    "vitdet-w9": partial(vitdet, 9),
    "yolos": yolos,
}


def mask_with(model: Contestant, share: float) -> Mask:
    """Of seeded masks over the frame, the one that makes most nearly this share of the model's regions coarse."""
    shape = frame_grid(*FRAME, downsampling_factor=2).shape
    order = np.random.default_rng(0).permutation(shape[0] * shape[1])
    masks = [model.mask((order < count).reshape(shape)) for count in range(len(order) + 1)]
    return min(masks, key=lambda mask: abs(float(mask.mean()) - share))


def measure(model: Contestant, rounds: int) -> list[dict[str, Any]]:
    """Print and return the rows of one model."""
    masks = {share: mask_with(model, share) for share in SHARES}
    calls: dict[str, Callable[[], object]] = {"full": lambda: model.run(None, 0)}
    for share, mask in masks.items():
        for point in model.points:
            calls[f"{share} {point}"] = partial(model.run, mask, point)
    seconds = interleaved(calls, rounds=rounds, clock=time.process_time)
    print(f"{model.note}: full {milliseconds(seconds['full'])} ms", flush=True)
    rows = []
    for share, mask in masks.items():
        for point in model.points:
            took = seconds[f"{share} {point}"]
            gain = median_ratio(seconds["full"], took)
            print(
                f"  {mask.mean():4.0%} coarse, beta {point}: {milliseconds(took):18s} ms, {gain:.2f} times", flush=True
            )
            rows.append({"share": float(mask.mean()), "beta": point, "s": statistics.median(took), "speedup": gain})
    return rows


def main() -> None:
    """Print the tables; with --json also write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*MODELS, []], metavar="NAME", help=", ".join(MODELS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print(machine())
    report = {"machine": machine(), "models": {}}
    for name in arguments.names or MODELS:
        print(name, flush=True)
        report["models"][name] = measure(MODELS[name](), arguments.rounds)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
