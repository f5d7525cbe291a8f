"""Measures codec, model, device and content -> profiles (`core.Profile`, JSON in `estimators`)."""

from foveate.profiling.codec import measure_codec
from foveate.profiling.content import ContentRows, joined, load_rows, measure_content, save_rows
from foveate.profiling.device import measure_decision, measure_device
from foveate.profiling.fit import Figures, compare, figures, fit_linear, fit_network, offline_mean
from foveate.profiling.measure import Sampling, content_rows, measure_machine, with_content, with_decision
from foveate.profiling.published import paper_profile
from foveate.profiling.server import fit_latency, measure_server

__all__ = [
    "ContentRows",
    "Figures",
    "Sampling",
    "compare",
    "content_rows",
    "figures",
    "fit_latency",
    "fit_linear",
    "fit_network",
    "joined",
    "load_rows",
    "measure_codec",
    "measure_content",
    "measure_decision",
    "measure_device",
    "measure_machine",
    "measure_server",
    "offline_mean",
    "paper_profile",
    "save_rows",
    "with_content",
    "with_decision",
]
