"""ViTDets whose weights are published: where they are, and what they are.

Addresses and figures are those of detectron2's `projects/ViTDet/README.md` (COCO, pictures of 1024 pixels). Lengths and
checksums of the files are not published there. The one checksum given here stands in five public repositories that
pin the file, one of which computed it after a download; the others are recorded when a file is first fetched. Names of
files in detectron2's model zoo end in the first digits of their MD5 (its `MODEL_ZOO.md`), probably these too.
"""

from dataclasses import dataclass

from foveate.models.backbone import BackboneConfig
from foveate.models.rcnn.config import CASCADE_WEIGHTS, SINGLE_WEIGHTS, RcnnConfig

_ADDRESS = "https://dl.fbaipublicfiles.com/detectron2/ViTDet/COCO"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published checkpoint of detectron2."""

    address: str
    """Where it is fetched from; a pickle of numpy arrays."""
    config: RcnnConfig
    """The detector that it must turn out to be."""
    parameters: int
    """Numbers that the detector is made of; the file holds 4 bytes for each and a little more."""
    box_ap: float
    """Published average precision of boxes on COCO's validation set, per cent."""
    mask_ap: float
    """The same of masks."""
    sha256: str | None = None
    """Of the file, or None where it is not known."""
    terms: str = "not stated (zoo: CC BY-SA 3.0)"
    """detectron2 is Apache-2.0; the models of its zoo's page, where ViTDet is not listed, are CC BY-SA 3.0."""


def published_models() -> dict[str, Published]:
    """All of them, by the name that they have on this machine."""
    base, large, huge = vit_backbone(768, 12, 12), vit_backbone(1024, 24, 16), vit_backbone(1280, 32, 16)
    return {
        "vitdet-b-mask": _mask(base, "b/f325346929/model_final_61ccd1.pkl", 110_895_024, 51.6, 45.9),
        "vitdet-l-mask": _mask(large, "l/f325599698/model_final_6146ed.pkl", 330_683_632, 55.5, 49.2),
        "vitdet-h-mask": _mask(huge, "h/f329145471/model_final_7224f1.pkl", 661_202_480, 56.7, 50.2),
        "vitdet-b-cascade": _cascade(base, "b/f325358525/model_final_435fa9.pkl", 141_160_222, 54.0, 46.7),
        "vitdet-l-cascade": _cascade(large, "l/f328021305/model_final_1a9f28.pkl", 360_948_830, 57.6, 50.0),
        "vitdet-h-cascade": _cascade(
            huge,
            "h/f328730692/model_final_f05665.pkl",
            691_467_678,
            58.7,
            51.0,
            sha256="8601bc52000c8a87960f3db6a9672596c5e06ce33bc30a3b8f96a96efe42ae60",
        ),
    }


def vit_backbone(dim: int, depth: int, heads: int) -> BackboneConfig:
    """A plain ViT as published ViTDets have it: windows of 14 tokens, trained on pictures of 1024 x 1024 pixels."""
    return BackboneConfig(dim=dim, depth=depth, heads=heads, window_size=14, relative_size=(64, 64))


def _mask(backbone: BackboneConfig, file: str, parameters: int, box_ap: float, mask_ap: float) -> Published:
    config = RcnnConfig(backbone=backbone, stages=(SINGLE_WEIGHTS,))
    address = f"{_ADDRESS}/mask_rcnn_vitdet_{file}"
    return Published(address=address, config=config, parameters=parameters, box_ap=box_ap, mask_ap=mask_ap)


def _cascade(
    backbone: BackboneConfig, file: str, parameters: int, box_ap: float, mask_ap: float, *, sha256: str | None = None
) -> Published:
    return Published(
        address=f"{_ADDRESS}/cascade_mask_rcnn_vitdet_{file}",
        config=RcnnConfig(backbone=backbone, stages=CASCADE_WEIGHTS, class_agnostic_boxes=True),
        parameters=parameters,
        box_ap=box_ap,
        mask_ap=mask_ap,
        sha256=sha256,
    )
