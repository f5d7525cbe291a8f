from collections.abc import Callable

import pytest
import torch

from foveate.models import Detector, vitdet_base, vitdet_nano, vitdet_small, vitdet_tiny


@pytest.mark.parametrize(
    ("preset", "millions"), [(vitdet_nano, 2.9), (vitdet_tiny, 6.4), (vitdet_small, 23.9), (vitdet_base, 93.3)]
)
def test_presets_have_the_sizes_that_are_told(preset: Callable[[], Detector], millions: float) -> None:
    with torch.device("meta"):
        detector = preset()
    assert sum(p.numel() for p in detector.parameters()) == pytest.approx(1e6 * millions, rel=0.02)
    assert detector.config.backbone.dim // detector.config.backbone.heads == 64
