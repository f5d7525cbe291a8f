"""The sets that `foveate train` is given: words of `--data` and `--evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from foveate.training import ImageSet, Mixture

PACK = "pack"
"""Name of `--data` that takes a training pack instead of a folder."""

Source = tuple[str, Path, float]
"""Name, folder and weight of a set."""


def mixture_of(sources: "Sequence[Source]", class_names: tuple[str, ...]) -> tuple["Mixture", tuple["ImageSet", ...]]:
    """Training sides of all sets with their weights, and their validation sides."""
    from foveate.training import Mixture, load_folder

    sides, weights = [], []
    for name, folder, weight in sources:
        images = load_folder(folder, class_names, name=name)
        tell(images)
        sides.append(images.split(0.05))
        weights.append(weight)
    mixture = Mixture(sets=tuple(train for train, _ in sides), weights=tuple(weights))
    return mixture, tuple(held for _, held in sides)


def growing(
    sources: "Sequence[Source]", class_names: tuple[str, ...], validation: tuple["ImageSet", ...]
) -> "Callable[[], Mixture]":
    """Reads the sets again, each without its groups that were kept for validation at first."""
    from foveate.training import Mixture, load_folder

    held = [{image.group for image in images.images} for images in validation]

    def read() -> Mixture:
        sets = [load_folder(folder, class_names, name=name) for name, folder, _ in sources]
        return Mixture(
            sets=tuple(_without(images, groups) for images, groups in zip(sets, held, strict=True)),
            weights=tuple(weight for _, _, weight in sources),
        )

    return read


def _without(images: "ImageSet", held: set[str]) -> "ImageSet":
    """The pictures of other groups; all as long as there are no others, as `ImageSet.split` has it."""
    return images if {image.group for image in images.images} <= held else images.without(held)


def sources_of(data: list[str]) -> list[Source]:
    """The sets that all words of `--data` name, packs by what is in them."""
    sources = [source for text in data for source in _named_sources(text)]
    _refuse_one_name_twice("--data", [name for name, _, _ in sources])
    return sources


def _named_sources(text: str) -> list[Source]:
    from foveate.core import foveate_home
    from foveate.training import unpack

    name, folder, weight = named_folder(text)
    if name != PACK:
        return [(name, folder, weight)]
    return [(part, place, weight * share) for part, place, share in unpack(folder, foveate_home() / "packs")]


def _refuse_one_name_twice(option: str, names: list[str]) -> None:
    """Sets of one name could not be told apart in the card."""
    from foveate.core import InputError

    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise InputError(f"{option} needs sets of different names, got {twice[0]!r} twice")


def named_folder(text: str) -> Source:
    """The set in a word NAME=FOLDER[,WEIGHT]; raises `InputError` on another form."""
    from foveate.core import InputError

    name, _, rest = text.partition("=")
    folder, _, weight = rest.partition(",")
    try:
        if folder:
            return name, Path(folder), float(weight or 1)
    except ValueError:
        pass
    raise InputError(f"data is NAME=FOLDER[,WEIGHT], got {text!r}")


def files_of(data: list[str], evaluate: list[str]) -> list[Path]:
    """Annotation files of all sets of `--data` and `--evaluate`."""
    folders = [named_folder(text)[1] for text in data]
    found = [file for folder in folders for file in annotation_files(folder)]
    return [*found, *(Path(text.rpartition("=")[2]) for text in evaluate)]


def annotation_files(folder: Path) -> list[Path]:
    """What tells the boxes of a set."""
    return [*folder.glob("*.json"), *folder.glob("parts/*.json")]


def tell(images: "ImageSet") -> None:
    """One line on what is there and what is not."""
    line = f"{images.name}: {len(images)} pictures"
    if images.missing_files:
        line += f", {images.missing_files} more are listed but not there"
    if images.missing_classes:
        line += f", no category for {', '.join(images.missing_classes)}"
    typer.echo(line)


def evaluation_sets(evaluate: list[str], class_names: tuple[str, ...]) -> dict[str, "ImageSet"]:
    """The sets that words NAME=ANNOTATIONS.json name; without a name, the file's."""
    from foveate.training import load_coco

    named = [(name, Path(path)) for name, _, path in (text.rpartition("=") for text in evaluate)]
    sets = [(name or path.stem, path) for name, path in named]
    _refuse_one_name_twice("--evaluate", [name for name, _ in sets])
    return {name: load_coco(path, path.parent / "images", class_names) for name, path in sets}
