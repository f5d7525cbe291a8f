"""Reads container files as far as tests need it: instructions, and what they would install."""

import re
from pathlib import Path
from typing import NamedTuple


class Instruction(NamedTuple):
    """One instruction of a container file."""

    name: str
    """In capitals, such as `RUN`."""
    text: str
    """What follows it, continuation lines joined, variables as written."""


def read_instructions(path: Path) -> list[Instruction]:
    """All instructions in their order; comments are left out."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        Instruction(name.upper(), text.strip()) for name, _, text in (x.partition(" ") for x in joined.splitlines())
    ]


def stages(instructions: list[Instruction]) -> list[list[Instruction]]:
    """The instructions of each stage, from its `FROM` on; what stands before the first is left out."""
    found: list[list[Instruction]] = []
    for instruction in instructions:
        if instruction.name == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return found


def copied_from_context(instructions: list[Instruction]) -> list[str]:
    """Sources of `COPY` that come from the checkout."""
    texts = [text for name, text in instructions if name == "COPY" and not text.startswith("--from")]
    return [source for text in texts for source in text.split()[:-1]]


def commands(instructions: list[Instruction], beginning: str) -> list[str]:
    """`RUN` commands that begin so."""
    return [text for name, text in instructions if name == "RUN" and text.startswith(beginning)]
