"""Small checkpoints with random values, named and shaped as detectron2 saves a ViTDet.

Written down from detectron2's modules (`modeling/backbone/vit.py`, `rpn.py`, `box_head.py`, `fast_rcnn.py`,
`mask_head.py`), not from the table of names that the conversion has.
"""

import pickle  # written, not read
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

DIM, HEADS, WINDOW, TRAINED = 32, 2, 3, 8
CHANNELS, FC = 16, 24
CLASSES = ("person", "bicycle", "car", "motorcycle")


def vitdet_checkpoint(
    *, stages: int = 1, masks: bool = True, subsets: int = 2, window: int = WINDOW, seed: int = 0
) -> dict[str, Tensor]:
    """Two blocks per subset, tables of global blocks for 8 x 8 patches, four classes."""
    made = _Checkpoint(seed)
    made.backbone(2 * subsets, window)
    made.pyramid()
    made.proposals()
    for stage in range(stages):
        made.boxes(f".{stage}" if stages > 1 else "", class_agnostic=stages > 1)
    if masks:
        made.masks()
    return made.state


def write_pickle(path: Path, state: Mapping[str, Tensor]) -> Path:
    """The checkpoint as detectron2 publishes it: a pickle of numpy arrays under `model`."""
    content = {"model": {name: value.numpy() for name, value in state.items()}, "__author__": "foveate tests"}
    path.write_bytes(pickle.dumps(content))
    return path


class _Checkpoint:
    """Weights by name, drawn in order of asking."""

    def __init__(self, seed: int) -> None:
        self.state: dict[str, Tensor] = {}
        self._random = torch.Generator().manual_seed(seed)

    def draw(self, name: str, *shape: int, scale: float, around: float = 0.0) -> None:
        """Normal values."""
        self.state[name] = around + scale * torch.randn(shape, generator=self._random)

    def layer(self, name: str, *shape: int, scale: float | None = None, bias: bool = True) -> None:
        """A linear layer or convolution."""
        self.draw(f"{name}.weight", *shape, scale=torch.Size(shape[1:]).numel() ** -0.5 if scale is None else scale)
        if bias:
            self.draw(f"{name}.bias", shape[0], scale=0.1)

    def transposed(self, name: str, wide: int, narrow: int) -> None:
        """A transposed convolution of 2 x 2."""
        self.draw(f"{name}.weight", wide, narrow, 2, 2, scale=wide**-0.5)
        self.draw(f"{name}.bias", narrow, scale=0.1)

    def norm(self, name: str, width: int) -> None:
        """A LayerNorm."""
        self.draw(f"{name}.weight", width, scale=0.1, around=1)
        self.draw(f"{name}.bias", width, scale=0.1)

    def normed(self, name: str, out: int, width: int, side: int) -> None:
        """A convolution that has a norm in the place of a bias."""
        self.layer(name, out, width, side, side, bias=False)
        self.norm(f"{name}.norm", out)

    def backbone(self, depth: int, window: int) -> None:
        """Every second block is global."""
        net = "backbone.net"
        self.draw(f"{net}.pos_embed", 1, 1 + 14 * 14, DIM, scale=0.3)
        self.layer(f"{net}.patch_embed.proj", DIM, 3, 16, 16, scale=0.03)
        for i in range(depth):
            block = f"{net}.blocks.{i}"
            self.norm(f"{block}.norm1", DIM)
            self.layer(f"{block}.attn.qkv", 3 * DIM, DIM)
            self.layer(f"{block}.attn.proj", DIM, DIM)
            for axis in "hw":
                side = TRAINED if i % 2 else window
                self.draw(f"{block}.attn.rel_pos_{axis}", 2 * side - 1, DIM // HEADS, scale=0.3)
            self.norm(f"{block}.norm2", DIM)
            self.layer(f"{block}.mlp.fc1", 4 * DIM, DIM)
            self.layer(f"{block}.mlp.fc2", DIM, 4 * DIM)

    def pyramid(self) -> None:
        """Strides 4, 8, 16, 32."""
        self.transposed("backbone.simfp_2.0", DIM, DIM // 2)
        self.norm("backbone.simfp_2.1", DIM // 2)
        self.transposed("backbone.simfp_2.3", DIM // 2, DIM // 4)
        self.transposed("backbone.simfp_3.0", DIM, DIM // 2)
        for level, first, width in ((2, 4, DIM // 4), (3, 1, DIM // 2), (4, 0, DIM), (5, 1, DIM)):
            self.normed(f"backbone.simfp_{level}.{first}", CHANNELS, width, 1)
            self.normed(f"backbone.simfp_{level}.{first + 1}", CHANNELS, CHANNELS, 3)

    def proposals(self) -> None:
        """Three anchors per cell."""
        head = "proposal_generator.rpn_head"
        for k in range(2):
            self.layer(f"{head}.conv.conv{k}", CHANNELS, CHANNELS, 3, 3)
        self.layer(f"{head}.objectness_logits", 3, CHANNELS, 1, 1)
        self.layer(f"{head}.anchor_deltas", 12, CHANNELS, 1, 1, scale=0.05)

    def boxes(self, stage: str, *, class_agnostic: bool) -> None:
        """One box head."""
        for k in range(1, 5):
            self.normed(f"roi_heads.box_head{stage}.conv{k}", CHANNELS, CHANNELS, 3)
        self.layer(f"roi_heads.box_head{stage}.fc1", FC, CHANNELS * 49)
        self.layer(f"roi_heads.box_predictor{stage}.cls_score", len(CLASSES) + 1, FC, scale=0.6)
        numbers = 4 if class_agnostic else 4 * len(CLASSES)
        self.layer(f"roi_heads.box_predictor{stage}.bbox_pred", numbers, FC, scale=0.3)

    def masks(self) -> None:
        """The mask head."""
        for k in range(1, 5):
            self.normed(f"roi_heads.mask_head.mask_fcn{k}", CHANNELS, CHANNELS, 3)
        self.transposed("roi_heads.mask_head.deconv", CHANNELS, CHANNELS)
        self.layer("roi_heads.mask_head.predictor", len(CLASSES), CHANNELS, 1, 1)
