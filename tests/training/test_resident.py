"""Batches made on a device, here on a CPU, against crops made one by one."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
import torch

from foveate.core import FoveateError, InputError
from foveate.training import AugmentConfig, BatchPlan, ColourConfig, Mixture, Sample, load_folder
from foveate.training.augment import flip, join_four, resample
from foveate.training.resident import PictureFeed, PicturePool, ResidentLoader, Views, draw_views
from foveate.training.resident import pool as pool_file
from foveate.training.resident.boxes import compact, counts, move_boxes
from foveate.training.resident.colour import recolour_batch
from foveate.training.resident.jpeg import compressed
from foveate.training.resident.pixels import cut
from foveate.training.resident.pool import GAP, fitted
from foveate.training.targets import Targets

from .conftest import CLASSES, draw, tiny_detector, write_set
from .test_augment import assert_tight

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_file, "MOST_PIXELS", 200 * 300)
    monkeypatch.setattr("foveate.training.resident.pixels.MOST_PIXELS", 200 * 300)


def filled(pictures: list[Sample]) -> PicturePool:
    pool = PicturePool(len(pictures) + GAP, CPU)
    for picture in pictures:
        pool.put(picture)
    return pool


def sample_of(images: torch.Tensor, targets: Targets, row: int) -> Sample:
    """One crop of a batch."""
    objects, ignored = targets.labels[row] >= 0, targets.ignored_labels[row] >= 0
    boxes = torch.cat([targets.boxes[row][objects], targets.ignored_boxes[row][ignored]])
    labels = torch.cat([targets.labels[row][objects], targets.ignored_labels[row][ignored]])
    return Sample(
        pixels=images[row].permute(1, 2, 0).round().byte().numpy(),
        boxes=boxes.numpy(),
        labels=labels.numpy(),
        ignored=np.arange(len(labels)) >= int(objects.sum()),
    )


def drawn_views(
    pool: PicturePool, count: int, size: tuple[int, int], config: AugmentConfig, weights: torch.Tensor, *, seed: int
) -> Views:
    generator = torch.Generator().manual_seed(seed)
    return draw_views(pool, count, size, config, class_weights=weights, generator=generator)


def empty(shade: int) -> Sample:
    """A picture of one shade without objects."""
    return Sample(
        pixels=np.full((8, 8, 3), shade, np.uint8),
        boxes=np.zeros((0, 4), np.float32),
        labels=np.zeros(0, np.int64),
        ignored=np.zeros(0, np.bool_),
    )


def views_of(size: tuple[int, int], **values: list) -> Views:
    given = {name: torch.tensor(value) for name, value in values.items()}
    return Views(size=size, **given)


@pytest.mark.parametrize("flipped", [False, True])
def test_a_given_mosaic_is_what_four_crops_joined_are(flipped: bool) -> None:
    rng = np.random.default_rng(0)
    config = AugmentConfig(min_long_side=4, min_short_side=2)
    pictures = [draw(rng) for _ in range(4)]
    sizes = [(40, 60), (40, 36), (56, 60), (56, 36)]
    windows = [(40, 60), (20, 18), (112, 120), (56, 36)]
    origins = [(10, 20), (30, 5), (-20, 10), (100, 130)]
    parts = [
        resample(picture, origin, window, size, config)
        for picture, origin, window, size in zip(pictures, origins, windows, sizes, strict=True)
    ]
    wanted = flip(join_four(parts)) if flipped else join_four(parts)
    views = views_of(
        (96, 96),
        slots=[[0, 1, 2, 3]],
        tops=[[[0.0, 0], [0, 60], [40, 0], [40, 60]]],
        extents=[[[float(side) for side in size] for size in sizes]],
        origins=[[[float(place) for place in origin] for origin in origins]],
        steps=[[[1.0, 1.0], [0.5, 0.5], [2.0, 2.0], [1.0, 1.0]]],
        flipped=[flipped],
    )
    pool = filled(pictures)
    targets = move_boxes(pool, views, config)
    got = sample_of(cut(pool, views), targets, 0)
    for name in ("ignored", "labels"):
        assert sorted(getattr(got, name)) == sorted(getattr(wanted, name))
    order = [np.lexsort(sample.boxes.T) for sample in (got, wanted)]
    np.testing.assert_allclose(got.boxes[order[0]], wanted.boxes[order[1]], atol=1e-3)
    apart = np.abs(got.pixels.astype(int) - wanted.pixels.astype(int)).max(axis=2)
    assert np.median(apart) == 0  # edges differ by the filter
    assert (apart > 60).mean() < 0.02


def test_boxes_stay_tight_in_drawn_views() -> None:
    rng = np.random.default_rng(3)
    pool = filled([draw(rng) for _ in range(12)])
    config = AugmentConfig(scales=(0.6, 2.0), stretch=1.4, mosaic_share=0.0, min_area_share=0.9)
    views = drawn_views(pool, 16, (96, 128), config, torch.ones(2), seed=1)
    images, targets = cut(pool, views), move_boxes(pool, views, config)
    compacted = compact(targets, tuple(counts(targets).tolist()))  # type: ignore[arg-type]
    assert compacted.boxes.shape[1] < targets.boxes.shape[1] / 10
    for row in range(16):
        assert_tight(sample_of(images, compacted, row))


def test_the_parts_of_drawn_mosaics_cover_the_crop() -> None:
    pool = filled([draw(np.random.default_rng(0))])
    config = AugmentConfig(mosaic_share=0.5)
    views = drawn_views(pool, 64, (96, 128), config, torch.ones(2), seed=1)
    areas = views.extents.prod(dim=2)
    assert (areas.sum(dim=1) == 96 * 128).all()
    assert 16 < ((areas > 0).sum(dim=1) == 4).sum() < 48
    assert ((areas > 0).sum(dim=1) % 3 == 1).all()


def test_a_view_around_an_object_holds_it() -> None:
    rng = np.random.default_rng(0)
    pool = filled([draw(rng, objects=1) for _ in range(4)])
    config = AugmentConfig(object_share=1.0, mosaic_share=0.0)
    views = drawn_views(pool, 64, (96, 96), config, torch.ones(2), seed=0)
    assert ((move_boxes(pool, views, config).labels >= 0).sum(dim=1) == 1).all()


def test_rare_classes_are_centred_by_their_weight() -> None:
    rng = np.random.default_rng(0)
    picture = draw(rng, objects=2)
    pool = filled(
        [Sample(pixels=picture.pixels, boxes=picture.boxes, labels=np.array([0, 1]), ignored=np.zeros(2, bool))]
    )
    config = AugmentConfig(object_share=1.0, mosaic_share=0.0, scales=(2.0, 2.0))
    weights = torch.tensor([0.0, 1.0])
    views = drawn_views(pool, 64, (96, 96), config, weights, seed=0)
    targets = move_boxes(pool, views, config)
    assert ((targets.labels == 1).sum(dim=1) == 1).all()


def test_the_oldest_picture_makes_room() -> None:
    pool = PicturePool(GAP + 2, CPU)
    for shade in range(GAP + 5):
        pool.put(empty(shade))
    first, last = pool.readable
    assert last == GAP + 5
    assert last - first == 2
    shown = [int(pool.pixels[(n % pool.slots) * pool_file.MOST_PIXELS, 0]) for n in range(first, last)]
    assert shown == [GAP + 3, GAP + 4]


def test_pictures_that_are_too_large_shrink_with_their_boxes() -> None:
    large = draw(np.random.default_rng(2), 400, 600)
    small = fitted(large)
    assert small.size == (200, 300)
    np.testing.assert_allclose(np.sort(small.boxes, axis=0), np.sort(large.boxes / 2, axis=0))
    assert_tight(small)


def test_a_pool_needs_more_slots_than_its_gap() -> None:
    with pytest.raises(InputError, match="slots"):
        PicturePool(GAP, CPU)


@pytest.mark.parametrize("quality", [20, 60, 90])
def test_compression_is_that_of_a_jpeg_library(quality: int) -> None:
    rng = np.random.default_rng(0)
    pixels = draw(rng, 96, 160).pixels
    pixels = (pixels + rng.normal(0, 8, pixels.shape)).clip(0, 255).astype(np.uint8)
    wanted = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(pixels, quality, "RGB", "420")).astype(float)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    got = compressed(image, torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy()
    lost = np.abs(pixels - wanted).mean()
    assert np.abs(got - wanted).mean() < 0.2 * lost + 0.6


def test_colours_stay_where_nothing_is_to_change_them() -> None:
    image = torch.from_numpy(draw(np.random.default_rng(0), 96, 160).pixels).permute(2, 0, 1)[None]
    none = ColourConfig(
        hue=0, saturation=0, contrast=0, brightness=0, grey_share=0, blur_share=0, noise_share=0, jpeg_share=0
    )
    assert (recolour_batch(image.float(), none, torch.Generator()).int() - image.int()).abs().max() <= 1
    grey = recolour_batch(image.float(), ColourConfig(grey_share=1.0, jpeg_share=0), torch.Generator())
    assert (grey.amax(dim=1).int() - grey.amin(dim=1).int()).max() <= 2


def test_a_loader_makes_batches_of_what_is_fed(tmp_path: Path) -> None:
    images = load_folder(write_set(tmp_path / "street", pictures=6), CLASSES)
    mixture = Mixture(sets=(images,), weights=(1.0,))
    plan = BatchPlan(mixture=mixture, size=(96, 192), batch_size=5, seed=0)
    grid = tiny_detector().region_grid(*plan.size)
    with (
        PictureFeed(PicturePool(GAP + 8, CPU), lambda: mixture, seed=0) as feed,
        ResidentLoader(plan, 0, feed, grid) as loader,
    ):
        for _, batch in zip(range(3), loader, strict=False):
            assert batch.images.dtype == torch.uint8
            assert batch.images.shape == (5, 3, 96, 192)
            assert batch.occupied.shape == (5, 1, 2)
            assert (batch.targets.labels >= 0).any()


def test_pictures_that_come_later_are_fed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveate.training.resident.feed.REFRESH_S", 0.05)
    early, late = (load_folder(write_set(tmp_path / name, pictures=3), CLASSES) for name in ("early", "late"))
    mixtures = [Mixture(sets=(early,), weights=(1.0,)), Mixture(sets=(early, late), weights=(1.0, 1.0))]
    asked = []

    def growing() -> Mixture:
        asked.append(1)
        return mixtures[min(len(asked), 2) - 1]

    with PictureFeed(PicturePool(GAP + 200, CPU), growing, seed=0) as feed:
        while len(asked) < 3:
            feed.check()
    assert feed.known == {str(image.path) for image in mixtures[1].images}


def test_what_goes_wrong_in_the_background_is_raised(tmp_path: Path) -> None:
    images = load_folder(write_set(tmp_path / "street", pictures=2), CLASSES)
    images.images[0].path.write_bytes(b"no picture")
    mixture = Mixture(sets=(images,), weights=(1.0,))
    with (
        pytest.raises(FoveateError, match="is not a readable image"),
        PictureFeed(PicturePool(GAP + 8, CPU), lambda: mixture, seed=0),
    ):
        pass


def followed(folder: Path) -> Callable[[], Mixture]:
    """Reads a set again, as where it is being written."""
    return lambda: Mixture(sets=(load_folder(folder, CLASSES),), weights=(1.0,))


def until(feed: PictureFeed, done: Callable[[], bool]) -> None:
    """Wait; raises what the feed raises."""
    give_up_at = time.monotonic() + 60
    while not done():
        assert time.monotonic() < give_up_at
        feed.check()
        time.sleep(0.01)


def test_an_annotation_file_that_is_half_written_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("foveate.training.resident.feed.REFRESH_S", 0.02)
    folder = write_set(tmp_path / "street", pictures=3)
    file = folder / "annotations.json"
    whole = file.read_text()
    with PictureFeed(PicturePool(GAP + 50, CPU), followed(folder), seed=0, growing=True) as feed:
        file.write_text(whole[:-20])
        until(feed, lambda: "left for later" in caplog.text)
        file.write_text(whole)
        written = feed.pool.written
        until(feed, lambda: not feed._patience.waiting and feed.pool.written > written)
    assert caplog.text.count("left for later") == 1


def test_a_picture_that_is_half_written_comes_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("foveate.training.resident.feed.REFRESH_S", 0.02)
    folder = write_set(tmp_path / "street", pictures=3)
    picture = folder / "images" / "1.jpg"
    whole = picture.read_bytes()
    picture.write_bytes(whole[: len(whole) // 2])
    with PictureFeed(PicturePool(GAP + 50, CPU), followed(folder), seed=0, growing=True) as feed:
        until(feed, lambda: "1.jpg" in caplog.text)
        picture.write_bytes(whole)
        until(feed, lambda: not feed._patience.waiting and str(picture) in feed.known)


def test_what_stays_unreadable_ends_a_feed_of_growing_sets_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveate.training.resident.feed.PATIENCE_S", 0.05)
    folder = write_set(tmp_path / "street", pictures=1)
    (folder / "images" / "0.jpg").write_bytes(b"no picture")
    with (
        pytest.raises(FoveateError, match="is not a readable image"),
        PictureFeed(PicturePool(GAP + 8, CPU), followed(folder), seed=0, growing=True),
    ):
        pass


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_the_kernel_cuts_what_the_plain_way_cuts() -> None:
    rng = np.random.default_rng(0)
    pools = [PicturePool(GAP + 6, torch.device(name)) for name in ("cpu", "cuda")]
    for _ in range(6):
        picture = draw(rng, int(rng.integers(90, 190)), int(rng.integers(120, 290)))
        for pool in pools:
            pool.put(picture)
    views = drawn_views(pools[0], 6, (64, 96), AugmentConfig(mosaic_share=0.5), torch.ones(2), seed=1)
    there = Views(**{name: value.cuda() if torch.is_tensor(value) else value for name, value in vars(views).items()})
    assert (cut(pools[0], views) - cut(pools[1], there).float().cpu()).abs().max() < 0.2
