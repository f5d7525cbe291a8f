"""A simulated run for programs, as `run_live` is a live one; `run_job` also scores it, draws it and writes it down."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from foveate.core import Profile
from foveate.device import Clip, Displayed, LiveRun, OffloadDone
from foveate.device.live_shell import ignore
from foveate.estimators import load_profile
from foveate.evaluation.answers import Answers
from foveate.evaluation.greys import Greys, greys_of
from foveate.evaluation.link_truth import LinkTruth
from foveate.evaluation.outcomes import Outcomes
from foveate.evaluation.processes import load_model
from foveate.evaluation.rehearsal import rehearse
from foveate.evaluation.simulate import Simulation
from foveate.evaluation.truth import TruthKey, truth_key
from foveate.network import LinkSettings, Outage, UplinkTrace
from foveate.policies import Policy, by_name
from foveate.server import DetectorLike, welcome_of


def simulate(
    video: str | Path | Clip,
    *,
    trace: UplinkTrace | str | Path,
    policy: Policy | str,
    profile: Profile | str,
    on_frame: Callable[[Displayed], None] = ignore,
    on_offload: Callable[[OffloadDone], None] = ignore,
    fps: float | None = None,
    loop: int = 1,
    model: DetectorLike | str = "vitdet-tiny-world",
    transport: str = "ideal",
    outages: tuple[Outage, ...] = (),
    seed: int = 0,
) -> LiveRun:
    """Play `video` once on virtual time, as `foveate run --simulate` does: same inputs, same events.

    `video`: a file, with `fps` and `loop`, or a `Clip`, which stays open. `trace`: the uplink, or a file that
    `UplinkTrace.load` reads; `transport` and `outages` are those of `LinkSettings`. `policy`: a policy or its text,
    such as `"fixed:beta=4"`. `profile`: whose durations count, or its name or path. `model`: the server's detector, or
    its name or path. Both callbacks see what those of `run_live` see, at times of the virtual clock; pixels of a
    displayed frame are black, for only what is sent is decoded. `seed` draws the spread of the server's durations.
    What the model finds is kept under `$FOVEATE_HOME` for later runs.

    Raises `MediaError` if video or trace cannot be read, `InputError` on a policy, profile, model or transport that is
    unknown or does not fit, `TransportError` if the link lets no answer of the server pass at the start.
    """
    chosen = by_name(policy) if isinstance(policy, str) else policy
    known = load_profile(profile) if isinstance(profile, str) else profile
    link = LinkSettings(
        trace=trace if isinstance(trace, UplinkTrace) else UplinkTrace.load(trace),
        transport=transport,
        outages=outages,
    )
    detector = load_model(model) if isinstance(model, str) else model
    frames = offloads = failed = 0

    def shown(event: Displayed) -> None:
        nonlocal frames
        frames += 1
        on_frame(event)

    def done(event: OffloadDone, _truth: LinkTruth | None) -> None:
        nonlocal offloads, failed
        offloads, failed = offloads + 1, failed + event.record.failed
        on_offload(event)

    with nullcontext(video) if isinstance(video, Clip) else Clip(video, loop=loop, fps=fps) as clip:
        rehearse(chosen, known, welcome_of(detector), clip.size)
        key = truth_key(clip.path, welcome_of(detector))
        play_clip(
            clip,
            detector,
            key=key,
            greys=greys_of(clip.path, key.video_sha256, ignore),
            policy=chosen,
            link=link,
            profile=known,
            on_frame=shown,
            on_offload=done,
            seed=seed,
        )
    return LiveRun(
        welcome=welcome_of(detector), frames=frames, dropped_frames=0, offloads=offloads, failed_offloads=failed
    )


def play_clip(
    clip: Clip,
    detector: DetectorLike,
    *,
    key: TruthKey,
    greys: Greys,
    policy: Policy,
    link: LinkSettings,
    profile: Profile,
    on_frame: Callable[[Displayed], None],
    on_offload: Callable[[OffloadDone, LinkTruth | None], None],
    seed: int,
) -> None:
    """Play the clip once. `key`: of the clip under this detector; `greys`: of its file.

    Raises `TransportError` if the link lets no answer of the server pass at the start.
    """
    outcomes = Outcomes(
        clip_sha256=key.video_sha256,
        weights_hash=key.weights_hash,
        class_names=key.class_names,
        score_threshold=key.score_threshold,
        load=lambda: detector,
    )
    with outcomes, Answers(clip.path, key, lambda: detector) as answers:
        Simulation(
            clip=clip,
            greys=greys,
            outcomes=outcomes,
            welcome=welcome_of(detector),
            policy=policy,
            link=link,
            profile=profile,
            on_frame=on_frame,
            on_offload=on_offload,
            seed=seed,
            answers=answers.get,
        ).run()
