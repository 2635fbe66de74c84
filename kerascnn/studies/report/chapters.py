"""What a report shows of a study, in order."""

from collections.abc import Iterator

from kerascnn.figures.captioned import Chapter
from kerascnn.studies.report.accuracy import classes, confusions, curves, reliability
from kerascnn.studies.report.costs import costs, devices, layer_table, parameters
from kerascnn.studies.report.gallery import galleries
from kerascnn.studies.report.mcnemar import seed_by_seed
from kerascnn.studies.report.provenance import making
from kerascnn.studies.report.quantization import int8_costs, layer_noise
from kerascnn.studies.results.evidence import Evidence
from kerascnn.studies.results.study import Study


def chapters(study: Study, evidence: Evidence) -> Iterator[Chapter]:
    """Draw one part of the report after another."""
    yield parameters(study)
    if len(study.heads) > 1:
        yield costs(study)
    if study.measurements:
        yield devices(study)
    yield int8_costs(study)
    yield seed_by_seed(study)
    yield layer_noise(study)
    yield curves(evidence)
    yield confusions(study, evidence)
    yield classes(study, evidence)
    yield reliability(study, evidence)
    yield from map(Chapter, galleries(study, evidence))
    yield from map(layer_table, study.heads)
    yield from map(Chapter, making(study, evidence))
