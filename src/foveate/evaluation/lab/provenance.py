"""Which network gave the outputs and which the durations: a table that mixes them is a what-if and says so."""

from dataclasses import dataclass

from foveate.core import Profile
from foveate.estimators import load_profile
from foveate.evaluation.lab.compare import Comparison
from foveate.network.messages import Welcome


@dataclass(frozen=True, kw_only=True)
class Provenances:
    """Of one comparison."""

    basis: str
    """In a sentence: what is simulated, and whose durations the main tables have."""
    sentences: tuple[str, ...]
    codes: tuple[str, ...]
    """Digests of the programs that computed the cells."""

    @property
    def code_warning(self) -> str:
        """Empty if all cells come from the same program."""
        if len(self.codes) < 2:
            return ""
        return f"The cells were computed by {len(self.codes)} different states of the program: for one table, use one."


def provenances_of(comparison: Comparison) -> Provenances:
    """From the cells and their profiles."""
    cells = [stored.cell for _, stored in comparison.cells]
    sentences = [_outputs(comparison, kind) for kind in dict.fromkeys(cell.clip.kind for cell in cells)]
    weights = {cell.model.weights_hash for cell in cells}
    for name in dict.fromkeys(cell.timing.profile for cell in cells):
        sentences += _durations(load_profile(name), weights)
    return Provenances(
        basis=_basis(load_profile(cells[0].timing.profile), cells[0].timing.label, weights),
        sentences=tuple(sentences),
        codes=tuple(dict.fromkeys(stored.code for _, stored in comparison.cells)),
    )


def _basis(profile: Profile, label: str, weights: set[str]) -> str:
    whose = "of the same network" if _same_network(profile, weights) else "of another network: a what-if"
    return (
        "Simulated on virtual time: frames, JPEG bytes and inference are real, links are replayed traces, durations "
        f"come from {label} ({profile.provenance.origin}, {whose})."
    )


def _same_network(profile: Profile, weights: set[str]) -> bool:
    origin = profile.provenance
    return origin.origin == "measured" and bool(origin.weights_hash) and {origin.weights_hash} == weights


def _outputs(comparison: Comparison, kind: str) -> str:
    used = {stored.cell.model.name for _, stored in comparison.cells if stored.cell.clip.kind == kind}
    models = ", ".join(_model(comparison.models[name]) for name in sorted(used))
    return f"Outputs on {kind} clips: real inference by {models}, real frames, real JPEG bytes."


def _durations(profile: Profile, weights: set[str]) -> list[str]:
    origin = profile.provenance
    network = origin.model or "an unnamed network"
    said = f"Durations by {profile.name}: {origin.origin}, {network} on {origin.machine} ({origin.date})."
    if _same_network(profile, weights):
        return [f"{said} The same network gave outputs and durations."]
    assumed = f" Assumed in it: {'; '.join(origin.assumed)}." if origin.assumed else ""
    return [f"{said} Another network gave the outputs, so tables with it are a what-if.{assumed}"]


def _model(welcome: Welcome) -> str:
    return f"{welcome.model} (weights {welcome.weights_hash[:12]}, score threshold {welcome.score_threshold:g})"
