"""Small networks of each family, as transformers builds them."""

from collections.abc import Callable
from typing import Any

VIT = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2}
DECODER = {
    "d_model": 32,
    "decoder_ffn_dim": 32,
    "decoder_layers": 2,
    "decoder_self_attention_heads": 2,
    "decoder_cross_attention_heads": 2,
    "decoder_n_points": 2,
    "num_queries": 10,
    "group_detr": 2,
    "c2f_num_blocks": 1,
}
LABELS = {0: "person", 1: "car", 2: "N/A"}
"""Of the detectors; three classes, one without a name, as COCO's numbers have."""


def dinov2(**changes: Any) -> Any:
    import transformers

    config = transformers.Dinov2Config(
        **VIT, **{"image_size": 56, "patch_size": 14, "out_indices": [0, 2, 4]} | changes
    )
    return transformers.Dinov2Backbone(config)


def dinov2_with_registers(**changes: Any) -> Any:
    import transformers

    values = {"image_size": 56, "patch_size": 14, "out_indices": [2, 4], "num_register_tokens": 3} | changes
    return transformers.Dinov2WithRegistersBackbone(transformers.Dinov2WithRegistersConfig(**VIT, **values))


def dinov3(**changes: Any) -> Any:
    import transformers

    values = {"patch_size": 16, "intermediate_size": 64, "num_register_tokens": 4, "out_indices": [2, 4]} | changes
    return transformers.DINOv3ViTBackbone(transformers.DINOv3ViTConfig(**VIT, **values))


def depth_anything() -> Any:
    import transformers

    backbone = VIT | {"model_type": "dinov2", "image_size": 56, "patch_size": 14}
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone | {"out_indices": [1, 2, 3, 4], "reshape_hidden_states": False},
        reassemble_hidden_size=32,
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=16,
        head_hidden_size=8,
    )
    return transformers.DepthAnythingForDepthEstimation(config)


def lw_detr(**changes: Any) -> Any:
    import transformers

    backbone = VIT | {"model_type": "lw_detr_vit", "window_block_indices": [0, 2], "out_indices": [2, 4]}
    config = transformers.LwDetrConfig(
        backbone_config=backbone | {"pretrain_image_size": 64, "num_windows": 4} | changes,
        projector_scale_factors=[1.0],
        id2label=LABELS,
        **DECODER,
    )
    return transformers.LwDetrForObjectDetection(config)


def rf_detr(**changes: Any) -> Any:
    import transformers

    backbone = VIT | {"model_type": "rf_detr_dinov2", "num_hidden_layers": 5, "out_indices": [1, 3, 5]}
    config = transformers.RfDetrConfig(
        backbone_config=backbone | {"image_size": 56, "patch_size": 14, "num_windows": 2} | changes,
        id2label=LABELS,
        **DECODER,
    )
    return transformers.RfDetrForObjectDetection(config)


def sam(**changes: Any) -> Any:
    import transformers

    vision = VIT | {"image_size": 160, "window_size": 3, "global_attn_indexes": [1, 3], "mlp_dim": 64}
    config = transformers.SamConfig(
        vision_config=vision | {"output_channels": 16, "num_pos_feats": 8} | changes,
        prompt_encoder_config={"hidden_size": 16, "image_size": 160},
        mask_decoder_config={"hidden_size": 16, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16},
    )
    return transformers.SamModel(config)


def vitpose(**changes: Any) -> Any:
    import transformers

    backbone = VIT | {"model_type": "vitpose_backbone", "image_size": [64, 48], "patch_size": [16, 16]}
    config = transformers.VitPoseConfig(
        backbone_config=backbone | {"num_experts": 2, "part_features": 8} | changes,
        id2label={0: "nose", 1: "left eye", 2: "right eye"},
    )
    return transformers.VitPoseForPoseEstimation(config)


def yolos(**changes: Any) -> Any:
    import transformers

    values = {"intermediate_size": 64, "image_size": [64, 96], "num_detection_tokens": 7, "id2label": LABELS} | changes
    return transformers.YolosForObjectDetection(transformers.YolosConfig(**VIT, **values))


NETWORKS: dict[str, Callable[[], Any]] = {
    "depth_anything": depth_anything,
    "dinov2": dinov2,
    "dinov2_with_registers": dinov2_with_registers,
    "dinov3_vit": dinov3,
    "lw_detr": lw_detr,
    "rf_detr": rf_detr,
    "sam": sam,
    "vitpose": vitpose,
    "yolos": yolos,
}
"""By `model_type`; those that `load_model` knows."""
