"""`foveate link`: a shaped link between a device and a server."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: foveate link --trace uplink.csv --listen 127.0.0.1:5556 --server 127.0.0.1:5555"


def link(
    *,
    trace: Annotated[Path, typer.Option(help="Uplink trace: a CSV (t_s,uplink_mbps,rtt_ms) or a mahimahi .up file.")],
    server: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where bytes are handed on to.")],
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where devices connect.")] = "127.0.0.1:5556",
    trace_offset: Annotated[float, typer.Option(min=0, help="Start in the trace, seconds.")] = 0.0,
    rtt_ms: Annotated[
        float | None, typer.Option(help="Round trip of a mahimahi trace, milliseconds, at most 500. Default: 40.")
    ] = None,
    transport: Annotated[
        str, typer.Option(help="ideal: the whole link at once; tcp: a window opens step by step, again after pauses.")
    ] = "ideal",
    outage: Annotated[
        list[str] | None,
        typer.Option(metavar="START:SECONDS", help="Cut the link; seconds since its first byte. May be repeated."),
    ] = None,
) -> None:
    """Relay TCP at the rate and delay of a trace until interrupted; no privileges needed."""
    import time

    from foveate.cli.interrupts import interrupts
    from foveate.network import Outage, ShapedRelay, UplinkTrace
    from foveate.server.watch import Address

    target, here = Address.parse(server), Address.parse(listen)
    shaped = ShapedRelay(
        trace=UplinkTrace.load(trace, rtt_s=None if rtt_ms is None else rtt_ms / 1000),
        target=(target.host, target.port),
        host=here.host,
        port=here.port,
        trace_offset_s=trace_offset,
        transport=transport,
        outages=tuple(Outage.parse(text) for text in outage or ()),
    )
    with shaped, interrupts() as interrupted:
        typer.echo("{}:{} to {}, as {}; Ctrl-C ends it".format(*shaped.address, server, trace.name))
        while not interrupted():
            time.sleep(0.1)
