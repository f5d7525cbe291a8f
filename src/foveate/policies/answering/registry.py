"""Answering policies by the text that a user writes: `hyperion:refine=false`."""

from typing import Any

from foveate.policies.answering._base import AnswerPolicy
from foveate.policies.answering.cloud_only import CloudOnly
from foveate.policies.answering.device_only import DeviceOnly
from foveate.policies.answering.elf import ElfLike, ElfV
from foveate.policies.answering.hyperion import Hyperion
from foveate.policies.answering.hyperion_mixed import HyperionMixed
from foveate.policies.answering.remix_like import RemixLike
from foveate.policies.parsing import made_by_name

ANSWER_POLICIES: dict[str, type[Any]] = {
    kind.name: kind for kind in (CloudOnly, DeviceOnly, ElfLike, ElfV, Hyperion, HyperionMixed, RemixLike)
}


def answers_frames(text: str) -> bool:
    """Whether a policy of this text answers single frames by a deadline; else it belongs to `policies.by_name`."""
    return text.strip().partition(":")[0].strip() in ANSWER_POLICIES


def answer_policy(text: str) -> AnswerPolicy:
    """`NAME` or `NAME:parameter=value,...` -> policy. Raises `InputError` that lists what is known."""
    policy: AnswerPolicy = made_by_name(text, ANSWER_POLICIES)
    return policy
