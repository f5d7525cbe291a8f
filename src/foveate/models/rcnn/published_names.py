"""What detectron2 calls the weights of a ViTDet."""

import re
from collections.abc import Callable

_BLOCK = {
    "norm1": "norm1",
    "norm2": "norm2",
    "attention.qkv": "attn.qkv",
    "attention.proj": "attn.proj",
    "attention.relative_rows": "attn.rel_pos_h",
    "attention.relative_columns": "attn.rel_pos_w",
    "fc1": "mlp.fc1",
    "fc2": "mlp.fc2",
}
"""Inside a block: ours to theirs."""

_HEADS = {
    "proposals.objectness": "proposal_generator.rpn_head.objectness_logits",
    "proposals.deltas": "proposal_generator.rpn_head.anchor_deltas",
    "masks.upsample": "roi_heads.mask_head.deconv",
    "masks.logits": "roi_heads.mask_head.predictor",
    "backbone.embed.projection": "backbone.net.patch_embed.proj",
}

_SCALER_LAYERS = (4, 1, 0, 1)
"""Layers of a pyramid level before its two convolutions: strides 4, 8, 16, 32."""


def published_name(ours: str, *, stages: int, proposal_convolutions: int) -> str:
    """The name in a detectron2 checkpoint of a weight of `RcnnDetector`; `KeyError` for a name that it cannot have."""
    if ours == "backbone.positions":
        return "backbone.net.pos_embed"
    for pattern, rename in _RULES:
        match = re.fullmatch(pattern, ours)
        if match:
            name = rename(*match.groups())
            if stages == 1:
                name = re.sub(r"^(roi_heads\.box_(?:head|predictor))\.0\.", r"\1.", name)
            if proposal_convolutions == 1:
                name = name.replace(".rpn_head.conv.conv0.", ".rpn_head.conv.")
            return name
    head, _, leaf = ours.rpartition(".")
    return f"{_HEADS[head]}.{leaf}"


def _block(number: str, rest: str) -> str:
    if rest in _BLOCK:
        return f"backbone.net.blocks.{number}.{_BLOCK[rest]}"
    layer, _, leaf = rest.rpartition(".")
    return f"backbone.net.blocks.{number}.{_BLOCK[layer]}.{leaf}"


def _scaler(level: str, layer: str | None, leaf: str) -> str:
    return f"backbone.simfp_{int(level) + 2}.{layer or 0}.{leaf}"


def _lateral(level: str, layer: str, leaf: str) -> str:
    place, is_norm = divmod(int(layer), 2)
    number = _SCALER_LAYERS[int(level)] + place
    return f"backbone.simfp_{int(level) + 2}.{number}.{'norm.' if is_norm else ''}{leaf}"


def _normed(layer: str, leaf: str) -> str:
    """Of triples of convolution, norm and activation: the number of the triple, from 1, and what is in it."""
    number, is_norm = divmod(int(layer), 3)
    return f"{number + 1}.{'norm.' if is_norm else ''}{leaf}"


_RULES: tuple[tuple[str, Callable[..., str]], ...] = (
    (r"backbone\.blocks\.(\d+)\.(.+)", _block),
    (r"pyramid\.scalers\.(\d)\.(?:(\d)\.)?(weight|bias)", _scaler),
    (r"pyramid\.laterals\.(\d)\.(\d)\.(weight|bias)", _lateral),
    (
        r"proposals\.tower\.(\d+)\.(weight|bias)",
        lambda layer, leaf: f"proposal_generator.rpn_head.conv.conv{int(layer) // 2}.{leaf}",
    ),
    (
        r"boxes\.stages\.(\d+)\.tower\.(\d+)\.(weight|bias)",
        lambda stage, layer, leaf: f"roi_heads.box_head.{stage}.conv{_normed(layer, leaf)}",
    ),
    (r"boxes\.stages\.(\d+)\.fc\.(weight|bias)", "roi_heads.box_head.{}.fc1.{}".format),
    (r"boxes\.stages\.(\d+)\.class_logits\.(weight|bias)", "roi_heads.box_predictor.{}.cls_score.{}".format),
    (r"boxes\.stages\.(\d+)\.deltas\.(weight|bias)", "roi_heads.box_predictor.{}.bbox_pred.{}".format),
    (
        r"masks\.tower\.(\d+)\.(weight|bias)",
        lambda layer, leaf: f"roi_heads.mask_head.mask_fcn{_normed(layer, leaf)}",
    ),
)
