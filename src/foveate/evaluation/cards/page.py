"""A card as a page of Markdown."""

from collections.abc import Iterator, Sequence
from typing import Any

from foveate.evaluation.cards.restoration import restoration_table
from foveate.evaluation.cards.sets import MOVING

SIZES = ("small", "medium", "large")
_TITLES = {
    "clips": "frames of 1080 x 1920 of **rendered** clips, with objects and textures that no training picture shows",
    "crowd": "frames of 2160 x 3840 of the unseen **rendered** crowd",
    "stills": "**rendered** stills (`test-mixed`: objects that no training picture shows; `val-mixed`: the same kinds)",
    "real": "**real** pictures",
}


def card_page(card: dict[str, Any], *, curves: Sequence[str] = ()) -> str:
    """The page of a card by `make_card`; `curves` are pictures of trainings, by their path from the page."""
    sections = (
        _opening(card),
        _accuracy(card),
        _by_size(card),
        _latency(card),
        _restoration(card),
        _closing(card, curves),
    )
    return "\n".join(line for section in sections for line in section).strip() + "\n"


def _opening(card: dict[str, Any]) -> Iterator[str]:
    facts = card["facts"]
    yield f"# {card['model']}"
    yield ""
    yield (
        f"Detects {', '.join(card['class_names'])}. {_shape(card)}; {card['parameters'] / 1e6:.1f} million parameters, "
        f"{card['bytes'] / 2**20:.1f} MiB."
    )
    yield ""
    yield "| | |"
    yield "|---|---|"
    for name in ("data", "terms", "recipe", "command", "cost"):
        if name in facts or name in ("data", "terms"):
            yield f"| {name} | {facts.get(name, 'not stated')} |"
    for line in _training(facts):
        yield f"| training | {line} |"
    f1 = facts.get("validation_f1")
    chosen = "" if f1 is None else f" (best mean F1 over classes, {f1:.3f}, on held-out training pictures)"
    yield f"| score threshold | {card['score_threshold']:.2f}{chosen} |"
    if "window_size" in card:
        yield f"| window | {card['window_size']} in training and use |"
    yield f"| suppression | IoU {card['nms_iou']:g} |"
    yield f"| weights | {card['weights']} (tensors and shape) |"
    yield ""


def _shape(card: dict[str, Any]) -> str:
    """In words, as a sentence begins."""
    if "dim" not in card:
        channels, blocks = (", ".join(map(str, card[name])) for name in ("channels", "blocks"))
        return f"Residual stages of {blocks} blocks, {channels} wide"
    return (
        f"{card['dim']} wide, {card['depth']} deep, patch {card['patch_size']}, window {card['window_size']}, "
        f"d = {card['downsampling_factor']}"
    )


def _training(facts: dict[str, Any]) -> Iterator[str]:
    """What each training of the weights saw, as `train detector` wrote it down."""
    for stage in facts.get("stages") or ([facts] if "steps" in facts else []):
        sets = stage.get("trained_on", {}).items()
        seen = "".join(f"; {name} {of['images']} pictures at {of['weight']:g}" for name, of in sets)
        taught = f"; taught by {stage['teacher']}" if stage.get("teacher") else ""
        yield (
            f"{stage['steps']} steps, {stage['crops']} crops, {stage['minutes']:g} minutes, rate "
            f"{stage['learning_rate']:g}, crops {' then '.join(stage['phases'])}{seen}{taught}"
        )


def _accuracy(card: dict[str, Any]) -> Iterator[str]:
    if not any(group in card["rows"] for group in _TITLES):
        return
    yield "## Accuracy"
    yield ""
    yield (
        "AP50 / AP (objects) of each class by faster-coco-eval; the mean is over the classes that occur. In rendered "
        "pictures objects under 16 of 1080 pixels high and those three quarters hidden are ignored."
    )
    if "earlier" in card:
        yield f"In brackets AP50 of `{card['earlier']['model']}` ({card['earlier']['weights']}), same pictures."
    for group, title in _TITLES.items():
        if group in card["rows"]:
            yield ""
            yield f"{title[0].upper()}{title[1:]}:"
            yield ""
            yield from _table(card, group)
    yield ""


def _table(card: dict[str, Any], group: str) -> Iterator[str]:
    names = card["class_names"]
    yield f"| set | pictures | mean | {' | '.join(names)} |"
    yield "|---" * (3 + len(names)) + "|"
    before = card.get("earlier", {}).get("rows", {}).get(group, {})
    for name, figures in card["rows"][group].items():
        yield _line(name, figures, before.get(name), names)
        if "human" in figures:
            yield _line(f"{name}, boxes by people", figures["human"], before.get(name, {}).get("human"), names)
    digests = card["clips"].get(group, {})
    if files := [f"{name} {digests[name]}" for name in card["rows"][group] if name in digests]:
        yield ""
        yield f"Files, by the first digits of SHA-256: {', '.join(files)}."
    if group == "clips":
        yield from _means(card["rows"][group], before)
    if group == "real":
        yield from _real_means(card["rows"][group])


def _line(name: str, figures: dict[str, Any], before: dict[str, Any] | None, names: Sequence[str]) -> str:
    was = f" [{before['ap50']:.3f}]" if before else ""
    cells = [name, str(figures["images"]), f"**{figures['ap50']:.3f}** / {figures['ap']:.3f}{was}"]
    return f"| {' | '.join(cells + [_cell(figures, before, label) for label in names])} |"


def _cell(figures: dict[str, Any], before: dict[str, Any] | None, label: str) -> str:
    entry = figures["classes"].get(label)
    if entry is None:
        return ""
    was = before and before["classes"].get(label)
    return f"{entry['ap50']:.3f} / {entry['ap']:.3f} ({entry['n']:,})" + (f" [{was['ap50']:.3f}]" if was else "")


def _means(rows: dict[str, Any], before: dict[str, Any]) -> Iterator[str]:
    """Persons and cars over the scenarios with a moving camera that have them."""
    yield ""
    for label in ("person", "car"):
        now, was = _moving(rows, label), _moving(before, label)
        if now:
            earlier = f" [{_mean(was):.3f}]" if len(was) == len(now) else ""
            yield (
                f"Mean AP50 of {label} over {len(now)} of the {len(MOVING)} moving scenarios: "
                f"**{_mean(now):.3f}**{earlier}."
            )


def _moving(rows: dict[str, Any], label: str) -> list[float]:
    classes = [rows.get(name, {}).get("classes", {}) for name in MOVING]
    return [found[label]["ap50"] for found in classes if label in found]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _real_means(rows: dict[str, Any]) -> Iterator[str]:
    yield ""
    for name, figures in rows.items():
        found = [figures["classes"][label]["ap50"] for label in ("person", "car") if label in figures["classes"]]
        if found:
            yield f"Mean of person and car AP50 on `{name}`: **{_mean(found):.3f}**."
    yield "Most boxes of `val.json` were made by another detector: the first line measures agreement with it."


def _by_size(card: dict[str, Any]) -> Iterator[str]:
    rows = [(n, f) for group in ("clips", "crowd", "real") for n, f in card["rows"].get(group, {}).items()]
    if not rows:
        return
    yield "## By size"
    yield ""
    yield (
        "AP50 (objects) by COCO's bounds, 32 x 32 and 96 x 96 pixels: small, medium, large; others are ignored then."
    )
    yield ""
    yield "| set | " + " | ".join(f"{label}, {size}" for label in ("person", "car", "mean") for size in SIZES) + " |"
    yield "|---" * (1 + 3 * len(SIZES)) + "|"
    for name, figures in rows:
        cells = [_size_cell(figures["sizes"], label, size) for label in ("person", "car", "mean") for size in SIZES]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _size_cell(sizes: dict[str, Any], label: str, size: str) -> str:
    entry = sizes.get(size, {})
    if label != "mean":
        entry = entry.get("classes", {}).get(label, {})
    return f"{entry['ap50']:.3f} ({entry['n']:,})" if entry else ""


def _latency(card: dict[str, Any]) -> Iterator[str]:
    for figures in card["rows"].get("latency", {}).values():
        yield "## Latency"
        yield ""
        yield (
            f"{card['machine']}; one frame from tiles to boxes, median (10-90 %) of {figures['rounds']} rounds, "
            f"milliseconds; {figures['load']:g} processes wanted the processors meanwhile, which wall clock feels and "
            "processor time (of all threads) hardly."
        )
        yield ""
        yield "| frame | case | wall clock | processor time |"
        yield "|---|---|---|---|"
        for row in figures["rows"]:
            yield f"| {row['size']} | {row['case']} | {_span(row['wall_ms'])} | {_span(row['processor_ms'])} |"
        yield ""


def _span(values: Sequence[float]) -> str:
    digits = 0 if values[0] >= 100 else 1
    middle, low, high = (f"{value:.{digits}f}" for value in values)
    return f"{middle} ({low}-{high})"


def _restoration(card: dict[str, Any]) -> Iterator[str]:
    if "dim" not in card:
        yield "## Mixed resolution"
        yield ""
        yield "Saves nothing here: low regions are enlarged before the first layer. So it is not measured."
        yield ""
        return
    if "restoration" not in card["rows"]:
        return
    yield "## Mixed resolution"
    yield ""
    yield (
        f"F1 against the model's own answer at full resolution / speed-up ({_clock(card)}, median over frames), by "
        "share of regions downsampled in random order and by the point at which full resolution is restored."
    )
    for title, part in (("", card), ("Before mixed-resolution training", card.get("plain"))):
        for kind, table in (part["rows"]["restoration"] if part else {}).items():
            name = f"{title} (`{part['model']}`, {part['weights']}): " if title and part else ""
            rows = table["rows"]
            yield ""
            yield f"{name}{table['frames']} **{kind}** frames, {rows[0]['objects']:,} objects found at full resolution."
            yield ""
            yield from restoration_table(rows)
    yield ""


def _clock(card: dict[str, Any]) -> str:
    return f"wall clock, {card['accelerator']}" if card.get("accelerator") else "processor time"


def _closing(card: dict[str, Any], curves: Sequence[str]) -> Iterator[str]:
    if curves:
        yield "## Curves"
        yield ""
        yield from (f"![Loss, learning rate, speed and AP50 over the steps of a training]({path})" for path in curves)
        yield ""
    if "weaknesses" in card["facts"]:
        yield f"Weaknesses: {card['facts']['weaknesses']}"
        yield ""
    if card["absent"]:
        yield "Not measured: " + "; ".join(card["absent"]) + "."
        yield ""
    yield (
        f"Made by `foveate models card {card['model']}`, foveate {card['version']}; `foveate world dataset` renders "
        "the pictures. Pictures of a clip show the same objects: fewer of these are independent than are counted."
    )
