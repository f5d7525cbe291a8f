"""A training that hands over answers, not weights."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from foveate.codec import PictureCoding
from foveate.core import WeightsError
from foveate.evaluation.experts.answers import read_answers, restored, stepped
from foveate.evaluation.experts.models import Outputs, SentPictures, find_models, keep_answers


@pytest.fixture
def handed_over(training, read, tmp_path):
    """The folder of the training with answers in the place of weights."""
    folder = tmp_path / "seed-0"
    shutil.copytree(training, folder)
    held_out, test = (SentPictures.of(images, PictureCoding()) for images in read(folder))
    for model in find_models(folder).values():
        keep_answers(model, held_out, test)
        model.path.unlink()
    return folder


def test_steps_keep_every_ranking_at_the_top_and_nearly_every_probability():
    logits = np.random.default_rng(0).normal(0, 3, (500, 20)).astype(np.float32)
    back = restored(stepped(logits))
    assert np.array_equal(back.argmax(axis=1), logits.argmax(axis=1))
    shares = [np.exp(x - x.max(axis=1, keepdims=True)) for x in (logits, back)]
    shares = [x / x.sum(axis=1, keepdims=True) for x in shares]
    assert np.abs(shares[0] - shares[1]).max() < 0.02


def test_the_table_needs_no_weights(experiment, results, handed_over, compared):
    short = replace(experiment, links=experiment.links[:1], samples=10, models=(handed_over,))
    again = compared(short).results
    for row, before in zip(again.choices, results.choices, strict=True):
        assert row["contender"] == before["contender"]
        assert row["accuracy"]["value"] == pytest.approx(before["accuracy"]["value"], abs=0.05)


def test_they_are_known_by_their_pictures_even_if_decoded_a_little_differently(training, handed_over, read):
    held_out = SentPictures.of(read(training)[0], PictureCoding())
    whole, kept = (find_models(folder)["progressive-0"] for folder in (training, handed_over))
    other = np.where(held_out.arrived < 255, held_out.arrived + 1, 255).astype(np.uint8)
    other[::2] = held_out.arrived[::2]
    wanted, found = Outputs().logits(whole, held_out.arrived), Outputs().logits(kept, other)
    assert np.allclose(found, wanted - wanted.max(axis=1, keepdims=True), atol=0.3)


def test_other_pictures_are_refused_and_weights_are_asked_for(handed_over, read):
    model = find_models(handed_over)["progressive-0"]
    with pytest.raises(WeightsError, match="about other pictures"):
        Outputs().logits(model, 255 - read(handed_over)[1].pixels)
    with pytest.raises(WeightsError, match="not its weights"):
        model.load()


def test_a_damaged_file_says_so(tmp_path):
    path = tmp_path / "base.answers"
    path.write_bytes(b"BZh9 and no more")
    with pytest.raises(WeightsError, match="no whole file"):
        read_answers(path)
