"""The table that a run of an answering policy prints at its end. Milliseconds and kilobytes are for people."""

from pathlib import Path
from typing import Any

from rich.table import Table


def answer_table(summary: dict[str, Any]) -> Table:
    """The figures of `summary.json` that one looks at first."""
    title = f"{summary['policy']} on {Path(summary['trace']).stem}"
    table = Table(title=title, show_header=False, title_justify="left")
    latency, made_of = summary["frame_latency_s"], summary["made_of"]
    rows = [
        ("answers / valid", f"{summary['answers']} / {summary['valid_answers']}"),
        ("frame rate", f"{summary['frame_rate_fps']:.2f} a second"),
        ("made of", ", ".join(f"{name} {count}" for name, count in made_of.items()) or "-"),
        ("latency", f"{_ms(latency['p50'])} (p90 {_ms(latency['p90'])})"),
        ("deadline missed", _percent(summary["violation_rate"])),
        ("bytes per answer", _kilobytes(summary["bytes_per_answer"])),
        ("of them probes", _kilobytes(summary["probe_bytes"])),
        ("true size above expected", _percent(summary["size_above_expected"])),
    ]
    for name, scores in summary["scores"].items():
        rows += [
            (f"AP50 {kind.replace('_', ' ')}, {name}", f"{scores[kind]['ap50']:.3f}")
            for kind in ("per_frame", "streaming")
            if scores[kind] is not None
        ]
    for row in rows:
        table.add_row(*row)
    return table


def _ms(span: float | None) -> str:
    return "-" if span is None else f"{1000 * span:.0f} ms"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _kilobytes(size: float | None) -> str:
    return "-" if size is None else f"{size / 1000:.1f} kB"
