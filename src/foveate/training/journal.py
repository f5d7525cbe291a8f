"""What a training says while it runs: JSON lines in a file, a bar on a terminal, plain lines elsewhere."""

import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Journal(AbstractContextManager["Journal"]):
    """Averages figures over `every` steps, or those that are left at the end, and reports them."""

    def __init__(self, path: Path, *, every: int = 50) -> None:
        self._path, self._every = path, every
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._task = self._bar.add_task("starting", total=1.0)
        self._sums: dict[str, Any] = {}
        self._count, self._images, self._began_at = 0, 0, time.monotonic()
        self._latest = (0, 0.0)
        """Step and progress of the last figures."""

    def __enter__(self) -> "Journal":
        self._bar.start()
        self._began_at = time.monotonic()
        return self

    def __exit__(self, *exception: object) -> None:
        """Report the last steps, fewer than `every`, and take the bar away."""
        if self._count:
            self._report(*self._latest)
        self._bar.stop()

    def record(self, step: int, progress: float, images: int, figures: Mapping[str, Any]) -> None:
        """Take in the figures of one step that saw `images` images: numbers, or tensors, read when it reports."""
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count, self._images, self._latest = self._count + 1, self._images + images, (step, progress)
        self._bar.update(self._task, completed=progress)
        if step % self._every == 0:
            self._report(*self._latest)

    def record_evaluation(self, step: int, figures: dict[str, Any]) -> None:
        """Write what `evaluate` found, by set."""
        self._write({"step": step, "evaluation": figures})
        self.note("  ".join(f"step {step}  {name}: AP50 {found['ap50']:.3f}" for name, found in figures.items()))

    def record_accuracy(self, step: int, figures: dict[str, float]) -> None:
        """Write shares of right answers, by set of classes."""
        self._write({"step": step, "accuracy_on": {name: round(value, 5) for name, value in figures.items()}})
        self.note("  ".join(f"step {step}  {name}: accuracy {value:.4f}" for name, value in figures.items()))

    def _write(self, entry: dict[str, Any]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def note(self, text: str) -> None:
        """Say something once."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def _report(self, step: int, progress: float) -> None:
        seconds = max(time.monotonic() - self._began_at, 1e-9)
        line: dict[str, Any] = {"step": step, "progress": round(progress, 4)}
        line |= {name: float(f"{float(total) / self._count:.5g}") for name, total in self._sums.items()}
        line["images_per_s"] = round(self._images / seconds, 2)
        self._write(line)
        text = "  ".join(f"{name} {value}" for name, value in line.items())
        self._bar.update(self._task, description=text)
        if not self._console.is_terminal:
            self.note(text)
        self._sums, self._count, self._images, self._began_at = {}, 0, 0, time.monotonic()
