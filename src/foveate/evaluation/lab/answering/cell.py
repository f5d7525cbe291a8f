"""One cell: a simulated run of an answering policy, described by values alone."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from foveate.core import PairTimes
from foveate.device import AnswerRules
from foveate.estimators import load_profile
from foveate.evaluation.answer_run import class_profile
from foveate.evaluation.lab.answering.experiment import AnswerCondition, AnswerContender, AnswerExperiment
from foveate.evaluation.lab.cell import Clip, Model, Trace
from foveate.evaluation.lab.cells import clip_of, lengths_of, traces_of
from foveate.evaluation.lab.prepare import ClipFacts
from foveate.evaluation.lab.rounds import rounds
from foveate.evaluation.offsets import drawn_offset
from foveate.network.messages import Welcome
from foveate.policies import policy_parameters
from foveate.policies.answering import answer_policy

VERSION = 2
"""Of results; raised whenever simulation or scoring changes what comes out."""


class AnswerCell(msgspec.Struct, frozen=True, kw_only=True):
    """A simulated run. What comes out depends on nothing else."""

    clip: Clip
    model: Model
    device_model: Model
    trace: Trace
    transport: str
    times: PairTimes
    rules: AnswerRules
    profile: str
    """Name or path of what importance classes cost."""
    classes_sha256: str
    """Digest of that."""
    policy: str
    condition: str
    """What tables call it."""
    seconds: float
    offset_number: int
    offset_s: float
    seed: int

    @property
    def key(self) -> str:
        """Of the content alone: where files lie and what they are called does not matter."""
        policy = answer_policy(self.policy)
        content = [
            VERSION,
            [self.clip.sha256, self.clip.truths, self.clip.frames],
            [self.model.weights_hash, self.device_model.weights_hash],
            [self.trace.sha256, self.trace.scale, self.offset_s],
            self.transport,
            [self.times, self.rules, self.classes_sha256],
            [policy.name, policy_parameters(policy)],
            [self.seconds, self.seed],
        ]
        return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:24]

    def __str__(self) -> str:
        """For progress and error messages."""
        return f"{self.policy} on {self.clip.name}, {self.trace.name} from {self.offset_s:g} s, {self.condition}"


def answer_cells(
    experiment: AnswerExperiment, clips: Mapping[Path, ClipFacts], models: Mapping[str, Welcome]
) -> list[tuple[AnswerContender, AnswerCondition, AnswerCell]]:
    """All cells, in rounds: every clip and contender over one trace from one start, then the next (see `rounds`).

    Videos or models without facts are left out. Raises `InputError` on a profile that does not fit a policy.
    """
    traces = traces_of(experiment.uplinks)
    lengths = lengths_of(traces)
    profiles = {c.label: c.profile or experiment.profile for c in experiment.contenders}
    for contender in experiment.contenders:
        class_profile(profiles[contender.label], answer_policy(contender.policy))
    digests = {profile: classes_digest(profile) for profile in set(profiles.values())}
    known = {name: Model(name=name, weights_hash=welcome.weights_hash) for name, welcome in models.items()}
    seen = [(video, clip_of(video, clips[video.path])) for video in experiment.videos if video.path in clips]
    return [
        (
            contender,
            condition,
            AnswerCell(
                clip=clip,
                model=known[names[0]],
                device_model=known[names[1]],
                trace=trace,
                transport=condition.transport,
                times=condition.pair.times,
                rules=condition.rules,
                profile=profiles[contender.label],
                classes_sha256=digests[profiles[contender.label]],
                policy=contender.policy,
                condition=condition.label,
                seconds=experiment.seconds,
                offset_number=number,
                offset_s=drawn_offset(experiment.seed + number, Path(clip.path), Path(trace.path), lengths[trace.path]),
                seed=experiment.seed + number,
            ),
        )
        for condition, number, trace in rounds(experiment.conditions, traces)
        for video, clip in seen
        for contender in experiment.contenders
        if video.kind in contender.kinds and (condition.main or not contender.ablation)
        if known.keys() >= {*(names := experiment.models_of(contender, video))}
    ]


def classes_digest(profile: str) -> str:
    """Of what a profile says that importance classes cost; how they are made is in the policy."""
    content = msgspec.to_builtins(load_profile(profile).classes)
    return hashlib.sha256(msgspec.json.encode({k: v for k, v in content.items() if k != "importance"})).hexdigest()
