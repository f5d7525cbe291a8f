from dataclasses import replace

import numpy as np
import pytest
import torch

from foveate.core import InputError
from foveate.models import BackboneConfig, Detector, DetectorConfig, HeadOutput, load_detector, vitdet_small, widen


def shape(*, pyramid_channels: int = 16, **changes: object) -> DetectorConfig:
    values: dict[str, object] = {"dim": 32, "depth": 4, "heads": 2, "window_size": 3} | changes
    backbone = BackboneConfig(**values)  # type: ignore[arg-type]
    return DetectorConfig(backbone=backbone, pyramid_channels=pyramid_channels, head_convolutions=1)


def detector(config: DetectorConfig) -> Detector:
    """With weights that are all in use, and norms unlike those of the start."""
    torch.manual_seed(0)
    made = Detector(config)
    for name, parameter in made.named_parameters():
        torch.nn.init.normal_(parameter, mean=float("norm" in name or "level_scales" in name), std=0.15)
    return made.eval()


def frames(masks: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None, list[int]]:
    images = torch.randint(0, 256, (2, 3, 192, 176), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return images, masks, [2, 3]


MIXED = torch.tensor([[[True, False], [False, True]], [[False, False], [True, True]]])
KINDS: list[dict[str, object]] = [
    {"stem": "convolutional", "positions": "tiled"},
    {"stem": "linear", "positions": "stretched", "relative_size": (14, 14)},
]


def assert_same(found: HeadOutput, wanted: HeadOutput) -> None:
    torch.testing.assert_close(found.class_logits, wanted.class_logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.boxes(), wanted.boxes(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("masks", [None, MIXED], ids=["full", "mixed"])
@pytest.mark.parametrize("kind", KINDS, ids=["tiled", "relative"])
@pytest.mark.parametrize(("factor", "pyramid"), [(2, 16), (2, 32), (3, 22), (1, 40)])
@torch.inference_mode()
def test_a_wider_model_gives_the_same_answers(
    factor: int, pyramid: int, kind: dict[str, object], masks: torch.Tensor | None
) -> None:
    narrow = detector(shape(**kind))
    wide = widen(narrow, shape(dim=32 * factor, heads=2 * factor, pyramid_channels=pyramid, **kind)).eval()
    assert (wide.config.backbone.dim, wide.config.pyramid_channels) == (32 * factor, pyramid)
    assert_same(wide(*frames(masks)), narrow(*frames(masks)))


def test_the_boxes_that_are_detected_are_the_same_and_so_is_the_threshold() -> None:
    narrow = detector(replace(shape(**KINDS[0]), score_threshold=0.7))
    wide = widen(narrow, shape(dim=64, heads=4, pyramid_channels=24, **KINDS[0])).eval()
    picture = np.random.default_rng(0).integers(0, 256, (192, 176, 3), np.uint8)
    found, wanted = wide.detect(picture), narrow.detect(picture)
    assert len(found) == len(wanted) > 0
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-4)
    np.testing.assert_allclose(found.boxes, wanted.boxes, atol=1e-2)


def test_repetitions_get_gradients_of_different_size_and_direction() -> None:
    narrow = detector(shape(**KINDS[0]))
    wide = widen(narrow, shape(dim=64, heads=4, pyramid_channels=32, **KINDS[0]))
    output = wide(*frames(MIXED))
    (output.class_logits.square().sum() + output.boxes().square().sum()).backward()
    maps = [
        (name, module.weight.grad)
        for name, module in wide.named_modules()
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)
        and not name.endswith(("class_logits", "box_distances"))
    ]
    assert len(maps) == 5 + 4 * 4 + 3 * 2 + 2
    for name, gradient in maps:
        half = len(gradient) // (6 if name.endswith("qkv") else 2)
        one, other = (rows.flatten(1) for rows in (gradient[:half], gradient[half : 2 * half]))
        sizes, other_sizes = one.norm(dim=1), other.norm(dim=1)
        apart = (one / sizes[:, None] - other / other_sizes[:, None]).norm(dim=1)
        assert (sizes / other_sizes - 1).abs().median() > 1e-3, name
        assert apart.median() > 1e-4, name


def test_the_same_seed_gives_the_same_weights() -> None:
    narrow, wider = detector(shape()), shape(dim=64, heads=4)
    weights = [torch.cat([p.flatten() for p in widen(narrow, wider, seed=s).parameters()]) for s in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("wider", "message"),
    [
        (shape(dim=48, heads=3), "must be a multiple of 32 wide, with heads of 16; got 48, with heads of 16"),
        (shape(dim=64, heads=2), "must be a multiple of 32 wide, with heads of 16; got 64, with heads of 32"),
        (shape(dim=64, heads=4, depth=8), "the same depth: required 4, got 8"),
        (shape(dim=64, heads=4, window_size=9), "the same window_size: required 3, got 9"),
        (shape(dim=64, heads=4, pyramid_channels=8), "got 16 and 8 channels"),
        (replace(shape(dim=64, heads=4), class_names=("person",)), "the same class_names"),
    ],
)
def test_a_model_that_is_not_wider_by_a_whole_factor_is_refused(wider: DetectorConfig, message: str) -> None:
    with pytest.raises(InputError, match=message):
        widen(detector(shape()), wider)


def test_layers_that_round_their_width_are_refused() -> None:
    odd = {"stem": "convolutional", "positions": "none", "subsets": 1, "depth": 1}
    with pytest.raises(InputError, match=r"backbone.embed.stages.1 must become wider by a whole factor, got 4 and 9"):
        widen(detector(shape(dim=18, **odd)), shape(dim=36, heads=4, **odd))


@torch.inference_mode()
def test_vitdet_small_can_start_from_the_shipped_vitdet_tiny() -> None:
    narrow = load_detector("vitdet-tiny-world", dtype="float32", torch_device="cpu")
    assert isinstance(narrow, Detector)
    wide = widen(narrow, vitdet_small().config).eval()
    images = torch.randint(0, 256, (1, 3, 288, 576), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    arguments = images, torch.tensor([[[True, False]]]), [2]
    assert_same(wide(*arguments), narrow(*arguments))
