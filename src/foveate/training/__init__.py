"""Offline: labelled pictures -> weights. Needs the extra `train`."""

from foveate.training.assign import AssignConfig, Assignment, assign
from foveate.training.augment import AugmentConfig, Augmenter
from foveate.training.colour import ColourConfig
from foveate.training.dataset import ImageSet, LabelledImage, load_coco, load_folder
from foveate.training.distillation import DistillationConfig, distillation_loss
from foveate.training.evaluate import best_threshold, choose_threshold, evaluate
from foveate.training.finish import finish, start_from
from foveate.training.loader import BatchPlan, BatchSource, Loader
from foveate.training.losses import LossConfig, LossSums, detection_loss
from foveate.training.mixture import Mixture
from foveate.training.pack import Packed, PackSet, unpack, write_pack
from foveate.training.resolution import ResolutionConfig, draw_resolution
from foveate.training.sample import Batch, Sample
from foveate.training.schedule import Phase, Schedule
from foveate.training.targets import Targets, to_tensors
from foveate.training.trainer import TrainConfig, Trainer

__all__ = [
    "AssignConfig",
    "Assignment",
    "AugmentConfig",
    "Augmenter",
    "Batch",
    "BatchPlan",
    "BatchSource",
    "ColourConfig",
    "DistillationConfig",
    "ImageSet",
    "LabelledImage",
    "Loader",
    "LossConfig",
    "LossSums",
    "Mixture",
    "PackSet",
    "Packed",
    "Phase",
    "ResolutionConfig",
    "Sample",
    "Schedule",
    "Targets",
    "TrainConfig",
    "Trainer",
    "assign",
    "best_threshold",
    "choose_threshold",
    "detection_loss",
    "distillation_loss",
    "draw_resolution",
    "evaluate",
    "finish",
    "load_coco",
    "load_folder",
    "start_from",
    "to_tensors",
    "unpack",
    "write_pack",
]
