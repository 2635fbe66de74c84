"""``summary``: the layer table of a model, a run or a Keras file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kerascnn.analysis.profiling.explanation import Explanation, explain, normalization
from kerascnn.analysis.profiling.profile import Profile, profile
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.files import write_text
from kerascnn.foundation.own_files import require_own
from kerascnn.foundation.text.sheet import blocks
from kerascnn.foundation.text.shown import Block, Facts, Shown
from kerascnn.models.applications import APPLICATION, application
from kerascnn.models.architecture import Architecture
from kerascnn.models.description import ModelDescription
from kerascnn.models.family import Variant, families, family
from kerascnn.models.heads import is_head_layer
from kerascnn.models.keras_file import KerasModel, described, open_model, place_of
from kerascnn.models.network import Network, build
from kerascnn.training.run import Run
from kerascnn.workflows.summary_diagram import boxes


@dataclass(frozen=True)
class Summary(Shown):
    """Result of ``summary``: a model's architecture and its layer table.

    Attributes:
        architecture: Which network it is.
        note: How the variant differs from the paper and from others of the same name; empty for
            an unknown one.
        explanations: One a layer, none unless asked for.
        diagram: The file of the drawing, if there is one.
    """

    architecture: Architecture
    note: str
    profile: Profile
    explanations: tuple[Explanation, ...] = ()
    diagram: Path | None = None

    @property
    def normalization(self) -> str | None:
        """The parameters that batch normalization adds, in a sentence."""
        return normalization(self.profile.layers)

    def blocks(self) -> list[Block]:
        """Return the layer table with its remarks."""
        from kerascnn.workflows.summary_sheet import sheet

        drawn = [Facts({"diagram": str(self.diagram)})] if self.diagram else []
        return [*blocks(sheet(self)), *drawn]

    def to_dict(self) -> dict[str, Any]:
        """Return the architecture, the remarks, the totals and the layers, explained if requested."""
        table = self.profile.to_dict()
        for layer, explanation in zip(table["layers"], self.explanations, strict=False):
            layer |= {"formulas": dict(explanation.formulas), "lecture": explanation.lecture}
        drawn = {"diagram": str(self.diagram)} if self.diagram else {}
        return self.architecture.model_dump() | {"note": self.note} | table | drawn


def summary(
    model: Run | Path | str | KerasModel,
    *,
    explain: bool = False,
    diagram: Path | str | None = None,
    overwrite: bool = False,
    **network: Any,
) -> Summary:
    """Measure a model layer by layer.

    Args:
        model: A run folder, a ``.keras`` file, a Keras model in memory, the name of a model in its usual
            form, or ``keras:`` and the name of a network in ``keras.applications``, built without weights.
        explain: Whether each figure comes with its formula, the numbers filled in.
        diagram: An SVG file for its volumes as boxes; ``None``: none is drawn.
        overwrite: Whether a file may be replaced there that this program did not make.
        **network: For a model's name, see ``TrainingConfig``.

    Raises:
        UsageError: A name is unknown, the network does not fit together, or settings of a network are given
            where the file already has its own.
        KerasCnnError: The file cannot be opened, its model is no graph of layers, or the diagram cannot be
            written.
    """
    if diagram is None:
        return _measured(model, explain, network)
    target = Path(diagram)
    if target.suffix.lower() != ".svg":
        raise UsageError(f"A diagram is an SVG file: name it *.svg. Received: diagram={diagram}")
    require_own([target], overwrite=overwrite)
    found = replace(_measured(model, explain, network), diagram=target)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_text(target, boxes(found))
    return found


def _measured(model: Run | Path | str | KerasModel, explain: bool, network: Mapping[str, Any]) -> Summary:
    asked = {setting: value for setting, value in network.items() if value is not None}
    if isinstance(model, KerasModel):
        _refuse(asked, place_of(model))
        return _summary(model, described(model).architecture, explain)
    if str(model).startswith(APPLICATION):
        _refuse(asked, Path(str(model)))
        name = str(model).removeprefix(APPLICATION)
        return _summary(application(name), Architecture.unknown(name), explain)
    path = Path(model)
    if str(model) in families or not (path.exists() or path.suffix or len(path.parts) > 1):
        complete = Network(model=str(model), **asked).complete()
        return _summary(build(**complete.model_dump()), complete.architecture, explain)
    _refuse(asked, path)
    if path.suffix and path.is_file() and path.suffix != ".keras":
        raise UsageError(f"{path} is neither a run folder nor a .keras file.")
    file = path if path.suffix == ".keras" else Run.open(path).require_model()
    opened, found = open_model(file), ModelDescription.embedded(file)
    architecture = found.architecture if found else Architecture.unknown(file.stem)
    return _summary(opened, architecture, explain)


def _refuse(asked: Mapping[str, Any], path: Path) -> None:
    if asked:
        raise UsageError(f"{path} is already a network: {', '.join(asked)} is for model names only.")


def _summary(model: Any, names: Architecture, explained: bool) -> Summary:
    table = profile(model)
    known = family(names.model).variants.get(names.variant) if names.model in families else None
    lecture = _lecture(known, names.head, table) if known else {}
    explanations = explain(table.layers, lecture) if explained else ()
    return Summary(names, known.note if known else "", table, explanations)


def _lecture(variant: Variant, head: str, table: Profile) -> Mapping[str, str]:
    """Return a remark on these layers from the lecture notes, which assume one size and FC layers."""
    first, last = table.layers[0], table.layers[-1]
    size = (variant.image_size, variant.image_size, variant.channels)
    if (first.input, last.output) != (size, (variant.classes,)):
        return {}
    widths = tuple(row.output[-1] for row in table.layers if row.kind == "Dense")
    published = head == "fc" and widths == (*variant.units, variant.classes)
    return {layer: text for layer, text in variant.lecture.items() if published or not is_head_layer(layer)}
