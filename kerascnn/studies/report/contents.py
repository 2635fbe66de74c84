"""What a report shows of a study, in order."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from kerascnn.figures.captioned import Chapter
from kerascnn.studies.report.chapters.accuracy import classes, confusions, curves, reliability
from kerascnn.studies.report.chapters.answer import answer, for_what, how_sure, side_by_side
from kerascnn.studies.report.chapters.costs import all_figures, costs, devices, layer_tables, parameters
from kerascnn.studies.report.chapters.gallery import galleries
from kerascnn.studies.report.chapters.mcnemar import seed_by_seed
from kerascnn.studies.report.chapters.provenance import making
from kerascnn.studies.report.chapters.quantization import int8_costs, layer_noise
from kerascnn.studies.results.study import Study

#: Draws chapters of a report; none where a study has nothing to show there.
Draw = Callable[[Study], Iterable[Chapter]]

#: What is seen at once.
FIRST: Sequence[Draw] = (answer, for_what, side_by_side)

#: What a reader opens, by the name of each part.
PARTS: Mapping[str, Sequence[Draw]] = {
    "How sure this is": (how_sure,),
    "What each head costs": (all_figures, parameters, costs, devices),
    "What int8 costs": (int8_costs, layer_noise),
    "Seed by seed": (seed_by_seed,),
    "Learning curves": (curves,),
    "Class by class": (confusions, classes),
    "Reliability of the probabilities": (reliability,),
    "Disagreements": (galleries,),
    "Layers of each head": (layer_tables,),
    "How it was made": (making,),
}
