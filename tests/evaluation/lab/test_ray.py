"""The same cells over a local cluster of two workers."""

import operator
import os
from contextlib import nullcontext
from io import StringIO

import pytest
from rich.console import Console

from foveate.evaluation.lab import compare_job
from foveate.evaluation.lab.ray_workers import RayWorkers
from foveate.evaluation.lab.workers import LocalWorkers, Task
from foveate.testing.detectors_by_name import fake_model


@pytest.fixture(scope="module")
def cluster():
    with RayWorkers("local", count=2) as workers:
        yield workers


@pytest.mark.ray
def test_a_cluster_of_two_workers_gives_the_rows_of_processes(experiment, cluster, tmp_path):
    assert cluster.count == 2
    asked = experiment(offsets=2)
    found = {}
    for name, workers in (("ray", cluster), ("local", LocalWorkers(2))):
        with nullcontext() if name == "ray" else workers:
            comparison = compare_job(
                asked, tmp_path / name, load=fake_model, workers=workers, console=Console(file=StringIO())
            )
        assert not comparison.failures
        found[name] = comparison.cells
    for (_, ours), (_, theirs) in zip(found["ray"], found["local"], strict=True):
        assert ours.cell == theirs.cell
        assert ours.result.frames == theirs.result.frames
        assert ours.result.offloads == theirs.result.offloads
        assert ours.result.figures == theirs.result.figures


@pytest.mark.ray
def test_a_worker_of_the_cluster_that_dies_costs_its_own_task(cluster):
    tasks = [Task(call=os._exit, arguments=(1,)), Task(call=operator.add, arguments=(1, 2))]
    done = {answer.index: answer for answer in cluster.run(tasks)}
    assert done[0].problem.startswith("its process ended")
    assert done[1].value == 3


def test_without_ray_the_extra_is_named(error_without):
    program = "from foveate.evaluation.lab.ray_workers import RayWorkers; RayWorkers('local')"
    assert error_without("ray", program).endswith("FoveateError: a cluster needs ray: pip install 'foveate[ray]'")
