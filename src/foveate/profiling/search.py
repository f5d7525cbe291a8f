"""Other networks of the paper's inputs than its own, searched for (extra `search`: Optuna).

The paper found its 128, 64 and 1 neurons in this way (ViTMAlis, section VI-A).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from foveate.profiling.fit import FitOptions, Target, Training
from foveate.profiling.judge import Fitter, fitters, judge, leave_one_out
from foveate.profiling.repeat import Progress, silent
from foveate.profiling.rows import ContentRows

TARGETS: tuple[Target, ...] = ("size", "accuracy")


def search(
    parts: Sequence[ContentRows], *, trials: int, options: FitOptions | None = None, progress: Progress = silent
) -> FitOptions:
    """The options with the least error on clips left out of the fit, of `trials` tried for each network.

    Error: relative of the size, squared of the accuracy. Cost: a fit per clip and trial, seconds each. Raises
    `ImportError` without Optuna.
    """
    import optuna  # noqa: PLC0415  # nobody else needs it

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    best = options or FitOptions()
    for number, target in enumerate(TARGETS):
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=best.seed))
        for done in range(trials):
            trial = study.ask()
            tried = with_training(best, target, suggested(trial))
            study.tell(trial, error_of(parts, target, fitters(tried)["network, paper's inputs"]))
            progress(number * trials + done + 1, len(TARGETS) * trials)
        best = with_training(best, target, suggested(optuna.trial.FixedTrial(study.best_params)))
    return best


def suggested(trial: Any) -> Training:
    """A point of the space that is searched; `trial` is Optuna's, or has its `suggest_int` and `suggest_float`."""
    return Training(
        hidden=(16 * trial.suggest_int("first", 1, 16), 16 * trial.suggest_int("second", 1, 8)),
        steps=100 * trial.suggest_int("steps", 3, 20),
        rate=trial.suggest_float("rate", 3e-4, 1e-2, log=True),
        decay=trial.suggest_float("decay", 1e-3, 1.0, log=True),
        noise=trial.suggest_float("noise", 0.0, 0.5),
    )


def with_training(options: FitOptions, target: Target, training: Training) -> FitOptions:
    """The options with another training of one network."""
    return replace(options, size=training) if target == "size" else replace(options, accuracy=training)


def error_of(parts: Sequence[ContentRows], target: Target, fit: Fitter) -> float:
    """On each clip with all the others to fit on."""
    found = judge(leave_one_out(parts), target, {"network": fit}).figures("network")
    return found.mape if target == "size" else found.rmse**2
