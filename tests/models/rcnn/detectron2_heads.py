"""Run by a Python that has detectron2 (0.6 or later) and torchvision: its heads on feature maps and weights of a file.

    python detectron2_heads.py IN.npz OUT.npz

IN: `shape` (channels, classes, width of the fully connected layer, stages, masks, height, width), `level0` to `level4`,
and every weight of `proposal_generator` and `roi_heads` by its name. OUT: boxes, scores, class_id, masks, pixels.
"""

import sys

import numpy as np
import torch
from detectron2.layers import ShapeSpec
from detectron2.modeling.anchor_generator import DefaultAnchorGenerator
from detectron2.modeling.box_regression import Box2BoxTransform
from detectron2.modeling.matcher import Matcher
from detectron2.modeling.poolers import ROIPooler
from detectron2.modeling.postprocessing import detector_postprocess
from detectron2.modeling.proposal_generator import RPN, StandardRPNHead
from detectron2.modeling.roi_heads import (
    CascadeROIHeads,
    FastRCNNConvFCHead,
    FastRCNNOutputLayers,
    MaskRCNNConvUpsampleHead,
    StandardROIHeads,
)
from detectron2.structures import ImageList
from torch import nn

LEVELS = ["p2", "p3", "p4", "p5", "p6"]


class ChannelNorm(nn.Module):
    """Version 0.6 does not have "LN" among its norms, but takes any module."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        return (x - mean) / torch.sqrt(variance + 1e-6) * self.weight[:, None, None] + self.bias[:, None, None]


def pooler(size):
    return ROIPooler(
        output_size=size, scales=(1 / 4, 1 / 8, 1 / 16, 1 / 32), sampling_ratio=0, pooler_type="ROIAlignV2"
    )


def matcher(iou):
    return Matcher([iou], [0, 1], allow_low_quality_matches=False)


def proposal_generator(channels):
    return RPN(
        in_features=LEVELS,
        head=StandardRPNHead(in_channels=channels, num_anchors=3, conv_dims=[-1, -1]),
        anchor_generator=DefaultAnchorGenerator(
            sizes=[[32], [64], [128], [256], [512]],
            aspect_ratios=[0.5, 1.0, 2.0],
            strides=[4, 8, 16, 32, 64],
            offset=0.0,
        ),
        anchor_matcher=Matcher([0.3, 0.7], [0, -1, 1], allow_low_quality_matches=True),
        box2box_transform=Box2BoxTransform(weights=(1.0, 1.0, 1.0, 1.0)),
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_topk=(2000, 1000),
        post_nms_topk=(1000, 1000),
        nms_thresh=0.7,
    )


def box_head(channels, width):
    shape = ShapeSpec(channels=channels, height=7, width=7)
    return FastRCNNConvFCHead(input_shape=shape, conv_dims=[channels] * 4, fc_dims=[width], conv_norm=ChannelNorm)


def predictor(width, classes, weights, agnostic):
    return FastRCNNOutputLayers(
        input_shape=ShapeSpec(channels=width),
        test_score_thresh=0.05,
        box2box_transform=Box2BoxTransform(weights=weights),
        num_classes=classes,
        cls_agnostic_bbox_reg=agnostic,
    )


def roi_heads(channels, classes, width, stages, masks):
    options = {"num_classes": classes, "batch_size_per_image": 512, "positive_fraction": 0.25}
    options |= {"box_in_features": LEVELS[:4], "box_pooler": pooler(7)}
    if masks:
        shape = ShapeSpec(channels=channels, width=14, height=14)
        head = MaskRCNNConvUpsampleHead(
            input_shape=shape, num_classes=classes, conv_dims=[channels] * 5, conv_norm=ChannelNorm
        )
        options |= {"mask_in_features": LEVELS[:4], "mask_pooler": pooler(14), "mask_head": head}
    weights = [(10.0, 10.0, 5.0, 5.0), (20.0, 20.0, 10.0, 10.0), (30.0, 30.0, 15.0, 15.0)][:stages]
    heads = [box_head(channels, width) for _ in weights]
    predictors = [predictor(width, classes, four, stages > 1) for four in weights]
    if stages == 1:
        return StandardROIHeads(
            box_head=heads[0], box_predictor=predictors[0], proposal_matcher=matcher(0.5), **options
        )
    matchers = [matcher(iou) for iou in (0.5, 0.6, 0.7)]
    return CascadeROIHeads(box_heads=heads, box_predictors=predictors, proposal_matchers=matchers, **options)


@torch.no_grad()
def main(given, out):
    content = np.load(given)
    channels, classes, width, stages, masks, height, columns = (int(v) for v in content["shape"])
    model = nn.Module()
    model.proposal_generator = proposal_generator(channels)
    model.roi_heads = roi_heads(channels, classes, width, stages, masks)
    names = [name for name in content.files if name.startswith(("proposal_generator.", "roi_heads."))]
    model.load_state_dict({name: torch.tensor(content[name]) for name in names}, strict=True)
    model.eval()
    levels = {name: torch.tensor(content[f"level{i}"]) for i, name in enumerate(LEVELS)}
    images = ImageList(torch.zeros(1, 3, height, columns), [(height, columns)])
    proposals, _ = model.proposal_generator(images, levels, None)
    (raw,), _ = model.roi_heads(images, levels, proposals, None)
    small = raw.pred_masks[:, 0].numpy() if masks else np.zeros(0)
    found = detector_postprocess(raw, height, columns)
    pixels = found.pred_masks.numpy() if masks else np.zeros(0)
    boxes, scores, class_id = found.pred_boxes.tensor.numpy(), found.scores.numpy(), found.pred_classes.numpy()
    np.savez(out, boxes=boxes, scores=scores, class_id=class_id, masks=small, pixels=pixels)


if __name__ == "__main__":
    main(*sys.argv[1:])
