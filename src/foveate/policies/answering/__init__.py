"""Policies that answer single frames by a deadline, and their contract. Pure: no clocks, no I/O."""

from foveate.policies.answering._base import AnswerPolicy, ClassCosts, Classing, CostModel, FrameState, Fusion
from foveate.policies.answering.cloud_only import CloudOnly
from foveate.policies.answering.device_only import DeviceOnly
from foveate.policies.answering.elf import ElfLike, ElfV
from foveate.policies.answering.hyperion import Hyperion
from foveate.policies.answering.hyperion_mixed import HyperionMixed
from foveate.policies.answering.registry import ANSWER_POLICIES, answer_policy, answers_frames
from foveate.policies.answering.remix_like import RemixLike

__all__ = [
    "ANSWER_POLICIES",
    "AnswerPolicy",
    "ClassCosts",
    "Classing",
    "CloudOnly",
    "CostModel",
    "DeviceOnly",
    "ElfLike",
    "ElfV",
    "FrameState",
    "Fusion",
    "Hyperion",
    "HyperionMixed",
    "RemixLike",
    "answer_policy",
    "answers_frames",
]
