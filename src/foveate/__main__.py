"""The program `foveate`, also as `python -m foveate`, where its script is not on the path."""

import sys


def main() -> None:
    """Entry point; Ctrl-C before a command has begun is one line too."""
    try:
        from foveate.cli.app import main as program  # noqa: PLC0415  # which takes half a second

        program()
    except KeyboardInterrupt:
        sys.stderr.write("foveate: interrupted\n")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
