"""`foveate device`: the end with the camera."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from foveate.device import Displayed, FrameSource, OffloadDone

EXAMPLE = "Example: foveate device --camera 0 --server 127.0.0.1:5555 --policy track-b2b --json -"

Output = Callable[["Displayed"], None]
Event = TypeVar("Event")


def device(
    *,
    camera: Annotated[
        str,
        typer.Option(
            metavar="0|URL|FILE|DIR",
            help="Number of a camera, URL (RTSP, HTTP), GStreamer pipeline, video file, or folder of pictures.",
        ),
    ],
    server: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where `foveate serve` answers.")],
    server_key: Annotated[
        str | None,
        typer.Option(metavar="KEY|FILE", help="The server's public key, or a file that holds it; encrypts."),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of this device's key pair. Default: $FOVEATE_HOME/keys.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not encrypt, though the server is elsewhere: for tunnels.")
    ] = False,
    policy: Annotated[str, typer.Option(help="NAME[:parameter=value,...]; a wrong name lists them all.")] = "track-b2b",
    model: Annotated[
        str, typer.Option(help="Which of the server's models is to run; its first if none is named.")
    ] = "",
    profile: Annotated[
        str | None,
        typer.Option(help="Name or path of a profile; vitmalis, uniform-opt, roi-opt and oracle need one."),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, in place of the camera's own; a folder needs it.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show what is seen in a window; q ends the run.")] = False,
    sink: Annotated[Path | None, typer.Option(metavar="FILE", help="Write what is seen as an MP4; needs PyAV.")] = None,
    json_lines: Annotated[
        str | None, typer.Option("--json", metavar="-|FILE", help="Write one JSON line per displayed frame.")
    ] = None,
    traces: Annotated[
        str | None, typer.Option(metavar="URL", help="Send each offload as a trace to this OpenTelemetry collector.")
    ] = None,
) -> None:
    """Offload the frames of a camera until it ends, or until Ctrl-C, which keeps all that was written.

    Whatever becomes of the server, the picture goes on; a server or camera that is lost is looked for until it is back.
    A server on another machine is talked to encrypted: it must allow this device's key, see `foveate keys`.
    """
    from foveate.cli.interrupts import interrupts
    from foveate.cli.keys import device_keys
    from foveate.cli.outputs import file_for
    from foveate.core import InputError
    from foveate.device import open_source, run_live
    from foveate.estimators import load_profile, shipped_profiles
    from foveate.policies import by_name
    from foveate.server.watch import Address

    server = str(Address.parse(server))
    trusted = device_keys(server, server_key, keys, insecure=insecure)
    chosen, loaded = by_name(policy), None if profile is None else load_profile(profile)
    if chosen.needs_profile and loaded is None:
        raise InputError(f"policy {chosen.name} needs a profile (--profile); {', '.join(shipped_profiles())} ship")
    lines = None if json_lines in (None, "-") else Path(json_lines)
    for place in filter(None, (sink, lines)):
        file_for(place, reads=[camera, profile])
    if sink is not None and lines is not None and sink.resolve() == lines.resolve():
        raise InputError(f"{lines} would take the place of {sink}: name another place")
    with ExitStack() as stack:
        source = stack.enter_context(open_source(camera, fps=fps))
        outputs = _outputs(stack, source, show=show, sink=sink, json_lines=json_lines)
        observers = _offload_observers(stack, traces)
        interrupted = stack.enter_context(interrupts())
        stack.enter_context(_before_any_answer(interrupted))
        run = run_live(
            source,
            server=server,
            keys=trusted,
            insecure=insecure,
            policy=chosen,
            model=model,
            profile=loaded,
            on_frame=lambda event: _all(outputs, event),
            on_offload=lambda event: _all(observers, event),
            stop=lambda: interrupted() or any(getattr(output, "closed", False) for output in outputs),
        )
    typer.echo(
        f"{run.frames} frames displayed, {run.dropped_frames} dropped; "
        f"{run.offloads} offloads, {run.failed_offloads} failed",
        err=True,
    )


@contextmanager
def _before_any_answer(interrupted: Callable[[], bool]) -> Iterator[None]:
    """Who interrupts a device that still looks for its server hears of no failure."""
    from foveate.core import TransportError

    try:
        yield
    except TransportError:
        if interrupted():
            raise typer.Exit(130) from None
        raise


def _outputs(
    stack: ExitStack, source: "FrameSource", *, show: bool, sink: Path | None, json_lines: str | None
) -> list[Output]:
    import sys

    from foveate.device import JsonLines, LinePipe, PatientFile, VideoSink, Window

    outputs: list[Output] = []
    if json_lines == "-":
        outputs.append(JsonLines(stack.enter_context(LinePipe(sys.stdout.fileno()))))
    elif json_lines is not None:
        outputs.append(JsonLines(stack.enter_context(PatientFile(Path(json_lines)))))
    if sink is not None:
        outputs.append(stack.enter_context(VideoSink(sink, size=source.size, fps=source.fps)))
    if show:
        outputs.append(stack.enter_context(Window()))
    return outputs


def _offload_observers(stack: ExitStack, traces: str | None) -> "list[Callable[[OffloadDone], None]]":
    from foveate.device import FailureReasons

    reasons = FailureReasons(lambda line: typer.echo(line, err=True))
    if traces is None:
        return [reasons]
    from foveate.device.traces import Traces

    return [reasons, stack.enter_context(Traces.to_collector(traces))]


def _all(outputs: "list[Callable[[Event], None]]", event: "Event") -> None:
    for output in outputs:
        output(event)
