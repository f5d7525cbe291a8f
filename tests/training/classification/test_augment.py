import numpy as np
import pytest
import torch

from foveate.core import InputError
from foveate.training.classification import ClassificationAugment
from foveate.training.classification.augment import PLAIN, augment, mix, soft_targets


def pictures(count=4, side=32):
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (count, side, side, 3), np.uint8))


def test_a_plain_view_is_the_picture():
    images = pictures()
    view = augment(images, (32, 32), PLAIN, np.random.default_rng(0))
    assert torch.allclose(view, images.permute(0, 3, 1, 2).float(), atol=0.01)


def test_a_flipped_view_is_the_mirrored_picture():
    config = ClassificationAugment(least_area=1.0, stretch=1.0, flip_share=1.0, colour=0)
    images = pictures()
    view = augment(images, (32, 32), config, np.random.default_rng(0))
    assert torch.allclose(view, images.permute(0, 3, 1, 2).float().flip(3), atol=0.01)


def test_views_have_the_wanted_size_and_stay_in_range():
    view = augment(pictures(), (16, 24), ClassificationAugment(), np.random.default_rng(0))
    assert view.shape == (4, 3, 16, 24)
    assert 0 <= float(view.min()) <= float(view.max()) <= 255


def test_equal_generators_give_equal_views():
    views = [augment(pictures(), (32, 32), ClassificationAugment(), np.random.default_rng(5)) for _ in range(2)]
    assert torch.equal(*views)


@pytest.mark.parametrize("kind", ["mixup_share", "cutmix_share"])
def test_mixed_targets_are_shares_of_both_classes_as_large_as_their_pictures(kind):
    config = ClassificationAugment(**{"mixup_share": 0, "cutmix_share": 0, "smoothing": 0} | {kind: 1.0})
    images = torch.zeros(2, 3, 32, 32)
    images[1] = 255
    targets = soft_targets(torch.tensor([0, 1]), 2, 0.0)
    mixed, shares = mix(images, targets, config, np.random.default_rng(2))
    assert torch.allclose(shares.sum(dim=1), torch.ones(2))
    assert torch.allclose(mixed.mean(dim=(1, 2, 3)) / 255, shares[:, 1], atol=1e-4)


def test_each_picture_is_mixed_by_its_own_draw():
    config = ClassificationAugment(mixup_share=0.3, cutmix_share=0.3, smoothing=0)
    images = torch.zeros(200, 3, 16, 16)
    images[100:] = 255
    targets = soft_targets(torch.arange(200) // 100, 2, 0.0)
    mixed, shares = mix(images, targets, config, np.random.default_rng(2))
    untouched = (mixed == images).flatten(1).all(dim=1)
    flat = (mixed.flatten(1) == mixed[:, 0, 0, 0, None]).all(dim=1)
    assert 0.3 < float(untouched.float().mean()) < 0.5
    assert 0.2 < float((flat & ~untouched).float().mean()) < 0.4
    assert torch.allclose(mixed.mean(dim=(1, 2, 3)) / 255, shares[:, 1], atol=1e-4)


def test_smoothed_targets_sum_to_one():
    targets = soft_targets(torch.tensor([2]), 4, 0.2)
    assert targets.tolist() == [pytest.approx([0.05, 0.05, 0.85, 0.05])]


def test_shares_of_mixing_above_one_are_refused():
    with pytest.raises(InputError, match="at most 1"):
        ClassificationAugment(mixup_share=0.6, cutmix_share=0.6)
