"""Checkpoints of detectron2's ViTDet become foveate detectors; no value is changed."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from foveate.core import InputError, WeightsError
from foveate.models.backbone import BackboneConfig
from foveate.models.convert_huggingface import count_subsets, listed, square_table
from foveate.models.mixed_detector import PIXEL_MEAN, PIXEL_STD
from foveate.models.rcnn.anchors import cell_anchors
from foveate.models.rcnn.coco import COCO_CLASSES
from foveate.models.rcnn.config import CASCADE_WEIGHTS, SINGLE_WEIGHTS, RcnnConfig
from foveate.models.rcnn.detector import RcnnDetector
from foveate.models.rcnn.published_names import published_name

_NET = "backbone.net."
_ANCHORS = "proposal_generator.anchor_generator.cell_anchors."
_CONSTANTS = {"pixel_mean": PIXEL_MEAN, "pixel_std": PIXEL_STD}


def convert_detectron2(
    state: Mapping[str, Tensor],
    *,
    class_names: tuple[str, ...] | None = None,
    score_threshold: float | None = None,
    sigmoid_scores: bool = False,
    name: str = "untrained",
) -> RcnnDetector:
    """The weights of a ViTDet with Faster, Mask or Cascade R-CNN heads -> the same detector here.

    `state`: the checkpoint's dictionary, for example from `read_checkpoint`; everything about its shape is read from
    it. `class_names`: None = those of COCO, for a model of 80 classes. `score_threshold`: None = 0.05, as published.
    `sigmoid_scores`: for models trained with detectron2's `use_sigmoid_ce`, which weights do not tell.
    Raises `WeightsError` naming keys that are missing or unexpected, and `InputError` for a form that the
    mixed-resolution detector does not have.
    """
    config = replace(read_shape(state, class_names), sigmoid_scores=sigmoid_scores)
    if score_threshold is not None:
        config = replace(config, score_threshold=score_threshold)
    _check_constants(state, config)
    detector = RcnnDetector(config, name=name)
    wanted = detector.state_dict()
    names = {ours: _theirs(ours, config) for ours in wanted}
    _check_names(state, names.values())
    found = {ours: _fitted(state[theirs], wanted[ours]) for ours, theirs in names.items()}
    wrong = [names[ours] for ours, value in found.items() if value.shape != wanted[ours].shape]
    if wrong:
        raise WeightsError(f"not the weights of one ViTDet; of another shape: {listed(wrong)}")
    detector.load_state_dict(found)
    return detector.eval()


def read_shape(state: Mapping[str, Tensor], class_names: tuple[str, ...] | None = None) -> RcnnConfig:
    """What the shapes of a checkpoint's weights say about the detector."""
    stages = _count(state, r"roi_heads\.box_predictor\.(\d+)\.cls_score\.weight") or 1
    if stages not in (1, len(CASCADE_WEIGHTS)):
        raise InputError(f"a detector has 1 stage or {len(CASCADE_WEIGHTS)}, got {stages}")
    stage = ".0" if stages > 1 else ""
    classes = _shape(state, f"roi_heads.box_predictor{stage}.cls_score.weight", 2)[0] - 1
    head = "proposal_generator.rpn_head.conv"
    return RcnnConfig(
        backbone=_read_backbone(state),
        class_names=_names(classes, class_names),
        stages=CASCADE_WEIGHTS if stages > 1 else (SINGLE_WEIGHTS,),
        class_agnostic_boxes=_shape(state, f"roi_heads.box_predictor{stage}.bbox_pred.weight", 2)[0] == 4,
        with_masks="roi_heads.mask_head.predictor.weight" in state,
        channels=_shape(state, "backbone.simfp_4.0.weight", 4)[0],
        fc_dim=_shape(state, f"roi_heads.box_head{stage}.fc1.weight", 2)[0],
        proposal_convolutions=_count(state, rf"{re.escape(head)}\.conv(\d+)\.weight") or int(f"{head}.weight" in state),
        box_convolutions=_count(state, rf"roi_heads\.box_head{re.escape(stage)}\.conv(\d+)\.weight"),
        mask_convolutions=_count(state, r"roi_heads\.mask_head\.mask_fcn(\d+)\.weight"),
    )


def _read_backbone(state: Mapping[str, Tensor]) -> BackboneConfig:
    dim, _, patch, _ = _shape(state, f"{_NET}patch_embed.proj.weight", 4)
    depth = _count(state, r"backbone\.net\.blocks\.(\d+)\.norm1\.weight")
    tables = [_shape(state, f"{_NET}blocks.{i}.attn.rel_pos_h", 2) for i in range(depth)]
    if not tables:
        raise WeightsError(f"not the weights of a ViTDet; missing: {_NET}blocks.0.norm1.weight")
    sides = [(length + 1) // 2 for length, _ in tables]
    # The last block is global. Where windows are as wide as the trained frames, tables cannot tell; published N is 4.
    windowed = [i for i, side in enumerate(sides) if side != sides[-1]]
    positions = _shape(state, f"{_NET}pos_embed", 3)[1]
    return BackboneConfig(
        dim=dim,
        depth=depth,
        heads=dim // tables[0][1],
        subsets=count_subsets(depth, windowed) if windowed else 4,
        patch_size=patch,
        window_size=sides[0],
        mlp_ratio=_shape(state, f"{_NET}blocks.0.mlp.fc1.weight", 2)[0] / dim,
        position_size=math.isqrt(positions),
        relative_size=(sides[-1], (_shape(state, f"{_NET}blocks.{depth - 1}.attn.rel_pos_w", 2)[0] + 1) // 2),
    )


def _names(classes: int, given: tuple[str, ...] | None) -> tuple[str, ...]:
    names = COCO_CLASSES if given is None else given
    if len(names) != classes:
        got = "COCO's 80 were taken, as no names were given" if given is None else f"{len(names)} were given"
        raise InputError(f"this checkpoint knows {classes} classes and needs as many names; {got}")
    return names


def _shape(state: Mapping[str, Tensor], key: str, rank: int) -> tuple[int, ...]:
    """The `rank` sides of a weight, none of them 0."""
    if key not in state:
        raise WeightsError(f"not the weights of a ViTDet in detectron2's layout; missing: {key}")
    shape = tuple(state[key].shape)
    if len(shape) != rank or 0 in shape:
        raise WeightsError(f"not a ViTDet's weights; {key} must have {rank} sides of at least 1, got shape {shape}")
    return shape


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    """How many keys match."""
    return sum(re.fullmatch(pattern, key) is not None for key in state)


def _theirs(ours: str, config: RcnnConfig) -> str:
    return published_name(ours, stages=len(config.stages), proposal_convolutions=config.proposal_convolutions)


def _check_names(state: Mapping[str, Tensor], wanted: Iterable[str]) -> None:
    known = set(wanted)
    missing = sorted(known - state.keys())
    unexpected = sorted(k for k in state.keys() - known if k not in _CONSTANTS and not k.startswith(_ANCHORS))
    if missing or unexpected:
        raise WeightsError(
            f"not the weights of one ViTDet; missing: {listed(missing)}; unexpected: {listed(unexpected)}"
        )


def _check_constants(state: Mapping[str, Tensor], config: RcnnConfig) -> None:
    """Older checkpoints also hold what is fixed here: it must be the same."""
    expected = {key: torch.tensor(value) for key, value in _CONSTANTS.items()}
    for number, size in enumerate(config.anchor_sizes):
        expected[f"{_ANCHORS}{number}"] = cell_anchors(size, config.anchor_ratios)
    for key in expected.keys() & state.keys():
        got = state[key].float().flatten()
        if got.shape != expected[key].flatten().shape or not torch.allclose(got, expected[key].flatten(), atol=1e-2):
            raise InputError(f"{key} must be {expected[key].tolist()}, got {got.tolist()}")


def _fitted(value: Tensor, wanted: Tensor) -> Tensor:
    """Absolute positions as a square table without the class token; all else as it is."""
    if value.ndim == 3 and wanted.ndim == 4:
        return square_table(value.float())
    return value.float()
