"""The program `foveate`: its commands, and how an error becomes one line and an exit code.

- 0: done
- 1: something failed (`FoveateError`, a missing extra, a disk that refuses)
- 2: what was asked for cannot be (`InputError`, wrong usage)
- 130: interrupted
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from foveate import __version__
from foveate.cli import (
    bench,
    compare,
    detect,
    device,
    doctor,
    keys,
    link,
    models,
    profile,
    run,
    run_experts,
    serve,
    train,
    world,
)
from foveate.core import FoveateError, InputError
from foveate.core.home import other_home

_EXTRAS = {
    "av": "server",
    "safetensors": "server",
    "torch": "server",
    "vtk": "world",
    "vtkmodules": "world",
    "faster_coco_eval": "train",
    "matplotlib": "lab",
    "pyarrow": "parquet",
    "ray": "ray",
    "rerun": "view",
    "supervision": "supervision",
    "opentelemetry": "otel",
    "optuna": "search",
    "prometheus_client": "observe",
    "starlette": "page",
    "uvicorn": "page",
    "websockets": "page",
}
"""Which extra brings a package that the base install lacks."""

_DEBUG = "--debug"


class OneLineErrors(TyperGroup):
    """A group that prints one line `foveate: ...` for every error that can be foreseen."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run the command line and leave with its exit code. `--debug` anywhere shows the traceback of errors."""
        given = list(sys.argv[1:] if args is None else args)
        debug = _DEBUG in given
        extra["standalone_mode"] = False
        try:
            _refuse_empty(given)
            code = super().main([word for word in given if word != _DEBUG], *rest, **extra)
        except Exception as error:
            line, code = _verdict(error)
            if debug or line is None:
                raise
            if line:
                typer.echo(f"foveate: {line}", err=True)
        if code == 130:
            typer.echo("foveate: interrupted", err=True)
        raise SystemExit(code if isinstance(code, int) else 0)


def _refuse_empty(words: Sequence[str]) -> None:
    """An empty word is a shell's variable that nobody set; as a path it would mean the folder at hand."""
    if "" in words:
        before = words[: words.index("")]
        raise InputError(f"the argument after {before[-1] if before else 'foveate'!r} is empty: is a variable not set?")


def _verdict(error: Exception) -> tuple[str | None, int]:
    """The line that explains an error and the exit code; None for what nobody foresaw, "" if all has been said."""
    line, code = None, 1
    match error:
        case FoveateError():
            line, code = str(error), 2 if isinstance(error, InputError) else 1
        case typer.TyperException():
            line, code = _usage(error), error.exit_code
        case typer.Abort():
            line = "aborted"
        case ImportError():
            line = _missing_extra(error)
        case FileExistsError() if error.filename:
            line = f"{error.filename} is a file, and a folder is needed there: name another place"
        case OSError() if error.strerror:
            line = error.strerror
            if error.filename:
                line = f"{error.filename}: {error.strerror}{other_home(Path(str(error.filename)))}"
    return line, code


def _missing_extra(error: ImportError) -> str | None:
    package = (error.name or "").partition(".")[0]
    extra = _EXTRAS.get(package)
    return extra and f"this command needs {package}: pip install 'foveate[{extra}]'"


def _usage(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().split())
    if not message:  # called without arguments: typer has printed the help
        return ""
    command = getattr(getattr(error, "ctx", None), "command_path", "foveate")
    return f"{message.rstrip('.')}; see {command} --help"


app = typer.Typer(
    cls=OneLineErrors,
    name="foveate",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    epilog="Example: foveate detect src/foveate/samples/street.mp4 --out out/detect",
)
app.command(name="detect", epilog=detect.EXAMPLE)(detect.detect)
app.command(name="run", epilog=run.EXAMPLE)(run.run)
app.command(name="run-experts", epilog=run_experts.EXAMPLE)(run_experts.run_experts)
app.command(name="compare", epilog=compare.EXAMPLE)(compare.compare)
app.command(name="serve", epilog=serve.EXAMPLE)(serve.serve)
app.command(name="device", epilog=device.EXAMPLE)(device.device)
app.command(name="link", epilog=link.EXAMPLE)(link.link)
app.add_typer(keys.app, name="keys", epilog=keys.EXAMPLE)
app.command(name="doctor", epilog=doctor.EXAMPLE)(doctor.doctor)
app.add_typer(profile.app, name="profile", epilog=profile.EXAMPLE)
app.add_typer(bench.app, name="bench", epilog=bench.EXAMPLE)
app.add_typer(train.app, name="train", epilog=train.EXAMPLE)
app.add_typer(world.app, name="world", epilog=world.EXAMPLE)
app.add_typer(models.app, name="models", epilog=models.EXAMPLE)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"foveate {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option(_DEBUG, help="Show the traceback of an error; taken anywhere.")] = False,
) -> None:
    """ViT video analytics that spends full resolution only where it matters."""


def main() -> None:
    """Entry point of the program `foveate`. Signs that a terminal cannot show become question marks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="foveate")
