"""Shape and training of the network of sizes, searched for instead of the paper's (extra `search`: Optuna).

The paper found its 128, 64 and 1 neurons in this way (ViTMAlis, section VI-A).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from foveate.profiling.fit import FitOptions, Training
from foveate.profiling.judge import OURS, Fitter, fitters, judge, leave_one_out
from foveate.profiling.repeat import Progress, silent
from foveate.profiling.rows import ContentRows


def search(
    parts: Sequence[ContentRows], *, trials: int, options: FitOptions | None = None, progress: Progress = silent
) -> FitOptions:
    """The options with the least relative error of the size on clips left out of the fit, of `trials` tried.

    Cost: a fit per clip and trial, seconds each. Raises `ImportError` without Optuna.
    """
    import optuna  # noqa: PLC0415  # nobody else needs it

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    best = options or FitOptions()
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=best.seed))
    for done in range(trials):
        trial = study.ask()
        study.tell(trial, error_of(parts, fitters(replace(best, size=suggested(trial)))[OURS]))
        progress(done + 1, trials)
    return replace(best, size=suggested(optuna.trial.FixedTrial(study.best_params)))


def suggested(trial: Any) -> Training:
    """A point of the space that is searched; `trial` is Optuna's, or has its `suggest_int` and `suggest_float`."""
    return Training(
        hidden=(16 * trial.suggest_int("first", 1, 16), 16 * trial.suggest_int("second", 1, 8)),
        steps=100 * trial.suggest_int("steps", 3, 20),
        rate=trial.suggest_float("rate", 3e-4, 1e-2, log=True),
        decay=trial.suggest_float("decay", 1e-3, 1.0, log=True),
        noise=trial.suggest_float("noise", 0.0, 0.5),
    )


def error_of(parts: Sequence[ContentRows], fit: Fitter) -> float:
    """Of the size, relative, on each clip with all the others to fit on."""
    return judge(leave_one_out(parts), "size", {OURS: fit}).figures(OURS).mape
