"""A small experiment on tiny classifiers, run once."""

from io import StringIO

import pytest
from rich.console import Console

from foveate.core import split_by_class
from foveate.evaluation.experts.compare import compare_experts
from foveate.evaluation.experts.experiment import ExpertsExperiment, NamedLink
from foveate.evaluation.lab.workers import ThisProcess
from foveate.network import LinkSettings, UplinkTrace
from foveate.testing.classifiers import coloured_images, tiny_training


@pytest.fixture(scope="session")
def training(tmp_path_factory):
    return tiny_training(tmp_path_factory.mktemp("training"), pictures=40)


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path_factory.getbasetemp() / "home"))


def pictures(_folder):
    """To choose on, and of the table."""
    images = coloured_images()
    _, rest = split_by_class(images.labels, 10, 0)
    return images.take(rest, name="held out"), coloured_images(6, seed=3, name="colours/test")


@pytest.fixture(scope="session")
def read():
    return pictures


@pytest.fixture(scope="session")
def experiment(training):
    lan = LinkSettings(trace=UplinkTrace.constant(100e6, 0.001, 10.0))
    trace = UplinkTrace.constant(5e6, 0.04, 10.0)
    return ExpertsExperiment(
        name="tiny",
        question="Does it work?",
        expected="Yes.",
        models=(training, training.parent / "seed-1"),
        read=pictures,
        links=(
            *(
                NamedLink(group="4g", link=LinkSettings(trace=trace), recording=run, start=start)
                for run in "abc"
                for start in (0, 1)
            ),
            NamedLink(group="lan", link=lan, recording="lan"),
            NamedLink(group="4g", link=LinkSettings(trace=trace, transport="tcp"), recording="a", variation="tcp"),
        ),
        samples=40,
    )


@pytest.fixture(scope="session")
def comparison(experiment, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEATE_HOME", str(tmp_path_factory.getbasetemp() / "home"))
        out = tmp_path_factory.mktemp("comparison")
        return compare_experts(experiment, out, workers=ThisProcess(), console=Console(file=StringIO()))


@pytest.fixture(scope="session")
def results(comparison):
    return comparison.results


@pytest.fixture
def compared(tmp_path):
    """Runs an experiment in a folder of its own."""

    def run(experiment):
        return compare_experts(experiment, tmp_path / "out", workers=ThisProcess(), console=Console(file=StringIO()))

    return run
