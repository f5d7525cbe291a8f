"""LW-DETR, RF-DETR and YOLOS at mixed resolution."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from foveate.core import InputError
from foveate.models.families import HeadedNetwork
from foveate.models.families.lw_detr import MixedLwDetr, global_blocks
from foveate.models.families.rf_detr import MixedRfDetr
from foveate.models.families.yolos import MixedYolos
from foveate.testing.families import FamilyContract

from . import networks

pytestmark = pytest.mark.oracle


class DetectorContract(FamilyContract):
    def original_outputs(self, theirs: Any, images: torch.Tensor) -> Sequence[torch.Tensor]:
        return self.outputs(theirs(images))

    def outputs(self, answer: Any) -> Sequence[torch.Tensor]:
        return answer.logits, answer.pred_boxes


class TestLwDetr(DetectorContract):
    sizes = ((128, 192), (192, 128))
    refused_sizes = ((128, 96), (120, 128), (16, 16))

    def build_original(self) -> Any:
        return networks.lw_detr()

    def adapt(self, theirs: Any) -> HeadedNetwork:
        return MixedLwDetr(theirs)

    def test_its_windows_allow_regions_that_divide_them(self) -> None:
        _, ours = self.pair()
        with pytest.raises(InputError, match=r"multiples of 32 pixels \(2 x 2 windows of whole patches\)"):
            ours.region_grid(128, 80)
        with pytest.raises(
            InputError, match="windows, which are 3 patches wide here: with factor 2 no region size does"
        ):
            ours.region_grid(96, 96)
        wide = MixedLwDetr(self.build_original(), window_size=2)
        with pytest.raises(InputError, match="6 patches wide here: with factor 2 regions of 2 or 6 patches, got 4"):
            wide.region_grid(192, 192)
        assert wide.region_grid(128, 256).shape == (2, 4)


class TestLwDetrOfOneRegionPerWindow(TestLwDetr):
    sizes = ((192, 192),)
    refused_sizes = ((128, 128),)

    def adapt(self, theirs: Any) -> HeadedNetwork:
        return MixedLwDetr(theirs, window_size=3)


class TestRfDetr(DetectorContract):
    sizes = ((112, 112), (168, 168))
    refused_sizes = ((112, 168), (84, 84), (98, 98))

    def build_original(self) -> Any:
        return networks.rf_detr()

    def adapt(self, theirs: Any) -> HeadedNetwork:
        return MixedRfDetr(theirs)


class TestRfDetrWithoutWindows(DetectorContract):
    sizes = ((112, 84), (101, 143))
    refused_sizes = ((13, 13),)

    def build_original(self) -> Any:
        return networks.rf_detr(num_windows=1)

    def adapt(self, theirs: Any) -> HeadedNetwork:
        return MixedRfDetr(theirs)


class TestYolos(DetectorContract):
    sizes = ((96, 128), (101, 143))
    refused_sizes = ((15, 100),)

    def build_original(self) -> Any:
        return networks.yolos()

    def adapt(self, theirs: Any) -> HeadedNetwork:
        return MixedYolos(theirs)


class TestYolosWithoutMidPositions(TestYolos):
    def build_original(self) -> Any:
        return networks.yolos(use_mid_position_embeddings=False)


def test_tokens_are_restored_before_global_blocks_where_there_are_windows():
    assert global_blocks([True, False, True, False, True]) == (1, 3)
    assert global_blocks([False] * 12) == (2, 5, 8, 11)
    assert global_blocks([True] * 3) == (0, 1, 2)


def test_blocks_behind_the_last_tap_are_not_computed():
    ours = MixedRfDetr(networks.rf_detr(num_hidden_layers=6))
    assert ours.mixed.depth == 5
    assert ours.mixed.restore_before == (1, 3)
