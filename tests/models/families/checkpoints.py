"""Published folders of small random networks: config.json, preprocessor_config.json, model.safetensors."""

import json
from pathlib import Path
from typing import Any

from foveate.testing.families import randomise

from . import networks

NORMAL = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "do_normalize": True}
PREPROCESSORS: dict[str, dict[str, Any]] = {
    "depth_anything": {
        "size": {"height": 84, "width": 84},
        "keep_aspect_ratio": True,
        "ensure_multiple_of": 14,
        "resample": 3,
    },
    "dinov2": {"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "resample": 3},
    "dinov2_with_registers": {"size": {"shortest_edge": 256}, "resample": 3},
    "dinov3_vit": {"size": {"height": 224, "width": 224}, "resample": 2},
    "lw_detr": {"size": {"height": 128, "width": 128}, "resample": 2},
    "rf_detr": {"size": {"height": 112, "width": 112}, "resample": 2},
    "sam": {"size": {"longest_edge": 160}, "pad_size": {"height": 160, "width": 160}, "resample": 2},
    "vitpose": {"size": {"height": 64, "width": 48}},
    "yolos": {"size": {"shortest_edge": 96, "longest_edge": 160}, "resample": 2},
}
"""As published, but for their sizes."""


def write_checkpoint(kind: str, folder: Path, **save: Any) -> Any:
    """Write a folder of a small random network of `model_type` `kind`, and return the network."""
    from foveate.models.families.checkpoint import quiet

    network: Any = randomise(networks.NETWORKS[kind]())
    with quiet():
        network.save_pretrained(folder, **save)
    settings = NORMAL | {"do_rescale": True, "rescale_factor": 1 / 255} | PREPROCESSORS[kind]
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return network
