"""The table that a run prints at its end. Milliseconds and kilobytes are for people."""

from pathlib import Path
from typing import Any

from rich.table import Table


def summary_table(summary: dict[str, Any]) -> Table:
    """The figures of `summary.json` that one looks at first."""
    table = Table(
        title=f"{summary['policy']} on {Path(summary['trace']).stem}", show_header=False, title_justify="left"
    )
    latency, interval = summary["e2e_latency_s"], summary["offload_interval_frames"]
    rows = [
        ("frames shown / dropped", f"{summary['frames']} / {summary['dropped_frames']}"),
        ("offloads / failed", f"{summary['offloads']} / {summary['failed_offloads']}"),
        ("rendering F1", _share(summary["rendering_f1"])),
        ("inference F1", _share(summary["inference_f1"])),
        ("end-to-end latency", _milliseconds(latency)),
        *((f"  {stage}", _ms(span)) for stage, span in summary["stages_s"].items()),
        ("staleness", _milliseconds(summary["staleness_s"])),
        ("offload interval", f"{_number(interval['p50'])} frames (p90 {_number(interval['p90'])})"),
        ("bytes per offload", _kilobytes(summary["bytes_per_offload"]["p50"])),
    ]
    if "rendering_f1_exact" in summary:
        rows[4:4] = [
            ("against exact truth:", ""),
            ("  rendering F1", _by_class(summary["rendering_f1_exact"])),
            ("  inference F1", _by_class(summary["inference_f1_exact"])),
            ("  every frame inferred", _by_class(summary["ceiling_f1_exact"])),
        ]
    for row in rows:
        table.add_row(*row)
    return table


def _by_class(scores: dict[str, Any]) -> str:
    classes = ", ".join(f"{name} {f1:.2f}" for name, f1 in scores["classes"].items())
    return f"{scores['all']:.3f} ({classes})" if classes else _share(scores["all"])


def _milliseconds(spread: dict[str, float | None]) -> str:
    return f"{_ms(spread['p50'])} (p90 {_ms(spread['p90'])})"


def _ms(span: float | None) -> str:
    return "-" if span is None else f"{1000 * span:.0f} ms"


def _kilobytes(size: float | None) -> str:
    return "-" if size is None else f"{size / 1000:.1f} kB"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
