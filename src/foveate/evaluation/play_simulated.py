"""The simulated part of a run: as `play_live`, on virtual time and without processes or sockets."""

from foveate.core import Profile
from foveate.device import Clip, Displayed, OffloadDone, Recorder
from foveate.evaluation.greys import greys_of
from foveate.evaluation.link_truth import LINK_COLUMNS, NO_ROW, LinkTruth
from foveate.evaluation.live_log import LiveLog
from foveate.evaluation.outputs import Late, Outputs
from foveate.evaluation.processes import ModelLoader
from foveate.evaluation.progress import Steps
from foveate.evaluation.rehearsal import rehearse
from foveate.evaluation.simulated import play_clip
from foveate.evaluation.truth import truth_key
from foveate.network import LinkSettings
from foveate.policies import Policy
from foveate.server import welcome_of


def play_simulated(
    log: LiveLog,
    *,
    clip: Clip,
    policy: Policy,
    link: LinkSettings,
    profile: Profile,
    load: ModelLoader,
    seed: int,
    outputs: Outputs,
    steps: Steps,
) -> None:
    """Play the clip once; what happens is added to `log` and to the tables in `outputs`.

    Raises `InputError` if policy or profile do not fit the model, `TransportError` if no answer passes the link.
    """
    loaded = steps.begin("load", 1)
    detector = load()
    welcome = welcome_of(detector)
    rehearse(policy, profile, welcome, clip.size)
    key = truth_key(clip.path, welcome)
    loaded(1)
    greys = greys_of(clip.path, key.video_sha256, steps.begin("grey frames", clip.file_frame_count))
    played = steps.begin("simulation", clip.frame_count)
    with Late(lambda: Recorder(outputs.begin(), more_offload_columns=LINK_COLUMNS)) as recorder:

        def on_frame(event: Displayed) -> None:
            recorder().displayed(event)
            log.displayed(event)
            played(event.frame.index + 1)

        def on_offload(event: OffloadDone, truth: LinkTruth | None) -> None:
            recorder().offloaded(event, NO_ROW if truth is None else truth.row)
            log.offloads.append(event)

        log.welcome = welcome
        play_clip(
            clip,
            detector,
            key=key,
            greys=greys,
            policy=policy,
            link=link,
            profile=profile,
            on_frame=on_frame,
            on_offload=on_offload,
            seed=seed,
        )
