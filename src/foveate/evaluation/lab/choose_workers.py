"""Processes here, or a cluster."""

from foveate.evaluation.lab.ray_workers import RayWorkers
from foveate.evaluation.lab.workers import LocalWorkers


def choose_workers(ray: str | None, count: int | None) -> LocalWorkers | RayWorkers:
    """On a Ray cluster if an address is given."""
    return LocalWorkers(count) if ray is None else RayWorkers(ray, count=count)
