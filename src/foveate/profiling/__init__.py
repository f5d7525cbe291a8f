"""Measures codec, model, device and content -> profiles (`core.Profile`, JSON in `estimators`)."""

from foveate.profiling.codec import measure_codec
from foveate.profiling.content import ContentSampling, measure_content
from foveate.profiling.device import measure_decision, measure_device
from foveate.profiling.fit import FitOptions, Training, fit_both, fit_linear, fit_network, offline_means
from foveate.profiling.hyperion import (
    ClassObservation,
    ClassSampling,
    ClassTrial,
    class_observations_path,
    measure_classes,
    observe_classes,
    read_class_observations,
    wish_of,
)
from foveate.profiling.hyperion_fit import fit_classes, judge_across, judge_classes
from foveate.profiling.judge import OURS, Figures, Judged, figures, fitters, judge, leave_one_out
from foveate.profiling.measure import (
    Sampling,
    content_observations,
    machine_name,
    measure_machine,
    observations_path,
    provenance_of,
    with_content,
    with_decision,
)
from foveate.profiling.observations import Observation, Trial, append_observation, read_observations
from foveate.profiling.pinned import load_by_name, measure_machine_pinned
from foveate.profiling.published import paper_profile
from foveate.profiling.regret import ChoiceTest, Regret, complete
from foveate.profiling.rows import ContentRows, joined, rows_of
from foveate.profiling.search import search
from foveate.profiling.server import fit_latency, measure_server

__all__ = [
    "OURS",
    "ChoiceTest",
    "ClassObservation",
    "ClassSampling",
    "ClassTrial",
    "ContentRows",
    "ContentSampling",
    "Figures",
    "FitOptions",
    "Judged",
    "Observation",
    "Regret",
    "Sampling",
    "Training",
    "Trial",
    "append_observation",
    "class_observations_path",
    "complete",
    "content_observations",
    "figures",
    "fit_both",
    "fit_classes",
    "fit_latency",
    "fit_linear",
    "fit_network",
    "fitters",
    "joined",
    "judge",
    "judge_across",
    "judge_classes",
    "leave_one_out",
    "load_by_name",
    "machine_name",
    "measure_classes",
    "measure_codec",
    "measure_content",
    "measure_decision",
    "measure_device",
    "measure_machine",
    "measure_machine_pinned",
    "measure_server",
    "observations_path",
    "observe_classes",
    "offline_means",
    "paper_profile",
    "provenance_of",
    "read_class_observations",
    "read_observations",
    "rows_of",
    "search",
    "wish_of",
    "with_content",
    "with_decision",
]
