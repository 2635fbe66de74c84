"""``report``: the reports of a study made again, or of a single run, with measurements from devices."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from kerascnn.analysis.evaluation.significance import MARGIN
from kerascnn.data.dataset import Dataset
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import half_written_noted, require_writable
from kerascnn.foundation.lock import held
from kerascnn.foundation.own_files import require_own
from kerascnn.foundation.progress import Progress, Telling, teller
from kerascnn.foundation.text.shown import Block, ShownList
from kerascnn.studies.compare_runs import predictions_of
from kerascnn.studies.conclude import ending_of, reported
from kerascnn.studies.conditions import settings_of
from kerascnn.studies.device_measurements import attachments
from kerascnn.studies.grid.cell import ANSWERS, kept_predictions, require_records
from kerascnn.studies.grid.record import Record, is_study
from kerascnn.studies.report.formats import FORMATS, require_formats
from kerascnn.studies.report.write import FIGURES, report_files
from kerascnn.studies.results.evidence import Group
from kerascnn.studies.results.predictions import Predictions
from kerascnn.studies.results.study import Measurement, Study
from kerascnn.tflite.quantization.result import int8_file
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run
from kerascnn.workflows.surgery import origin

FOLDER = "report"  # of a run
TELLING = {"html", "md", "json"}  # forms with what devices measured


class Reports(ShownList[Study]):
    """The studies of which reports were written."""

    def blocks(self) -> list[Block]:
        """Return what each shows, and where its report is."""
        return [study.conclusion for study in self]


def report_on(
    paths: Sequence[Run | Path | str],
    *,
    formats: Sequence[str] = FORMATS,
    attach: Sequence[Path | str] = (),
    data_dir: Path | str | None = None,
    overwrite: bool = False,
    progress: Telling = None,
) -> Reports:
    """Write the reports of each run or finished study.

    A study's stand in its folder, a run's in its folder ``report``; a run without a full-int8 file gets one.
    A study's latencies are those that were measured at its end; a run's are measured now.

    Args:
        paths: At least one.
        formats: Of ``html``, ``md``, ``csv``, ``tex``, ``json``.
        attach: JSON documents of ``kerascnn benchmark`` or of a bundle's ``run.py --benchmark``; each entry
            is put to the file that it measured. They are not kept: a later report has those attached to it.
        data_dir: Where the data are now, if not where they were.
        overwrite: Whether reports and figures may be replaced that this program did not make.
        progress: Called with the progress.

    Raises:
        UsageError: There is nothing to report on, or a format is not known.
        KerasCnnError: A run or study is incomplete, in use or cannot be read, its data are others, an
            attached document measured none of its files, or a file of others would be replaced.
    """
    progress = teller(progress)
    if not paths:
        raise UsageError("Name at least one run or study.")
    require_formats(formats)
    if attach and not TELLING.intersection(formats):
        raise UsageError(f"Measurements stand in {', '.join(sorted(TELLING))}: add one of these formats.")
    subjects = [_Subject.opened(Path(path)) for path in dict.fromkeys(map(Path, paths))]
    for subject in subjects:
        figures = (subject.folder / FIGURES).glob("*.[sp][vn]g")
        require_own([*report_files(subject.folder, formats), *figures], overwrite=overwrite)
    attached = attachments([Path(path) for path in attach], [subject.runs for subject in subjects])
    told = []
    for subject, measured in zip(subjects, attached, strict=True):
        with held(subject.place):
            told.append(_reported(subject, formats, measured, data_dir, progress))
    return Reports(told)


@dataclass(frozen=True)
class _Subject:
    """What is reported on.

    Attributes:
        place: The folder of the run or study; ``folder`` that of its reports.
        runs: By the names of their groups.
        record: If it is a study.
        kept: What a study keeps of the answers of its own runs, by their folders.
    """

    place: Path
    folder: Path
    runs: Mapping[str, Sequence[Run]]
    record: Record | None = None
    kept: Mapping[Path, Predictions] = field(default_factory=dict)

    @classmethod
    def opened(cls, path: Path) -> "_Subject":
        if not is_study(path):
            run = Run.open(path)
            run.require_model()
            require_records(run)
            return cls(path, path / FOLDER, {run.record.architecture.head: [run]})
        record = Record.read(path)
        if record.ending is None:
            command = f"{record.settings.command} --out {shlex.quote(str(path))}"
            raise KerasCnnError(f"{path} is not finished. Resume: {command}")
        try:
            runs = {
                name: [_whole(path / place) for place in places]
                for name, places in record.ending.runs.items()
            }
        except KerasCnnError as error:
            raise KerasCnnError(f"{path} was made from a run that is no longer complete: {error}") from error
        record.ending.require_same_files(runs)
        kept = {}
        for run in chain.from_iterable(runs.values()):
            require_records(run)
            if run.path.is_relative_to(path) and (run.path / ANSWERS).is_file():
                kept[run.path] = kept_predictions(run)
        return cls(path, path, runs, record, kept)


def _whole(path: Path) -> Run:
    """Open a run of a study."""
    run = Run.open(path)
    run.require_model()
    if not int8_file(run).is_file():
        raise KerasCnnError(f"{int8_file(run)} is missing. `kerascnn quantize {run.path}` creates it.")
    return run


def _reported(
    subject: _Subject,
    formats: Sequence[str],
    measurements: tuple[Measurement, ...],
    data_dir: Path | str | None,
    progress: Progress,
) -> Study:
    require_writable(subject.folder)
    dataset = load_trained_data(next(iter(subject.runs.values()))[0], data_dir)
    groups = [
        Group(
            name,
            runs,
            [subject.kept.get(run.path) or predictions_of(run, dataset, data_dir, progress) for run in runs],
        )
        for name, runs in subject.runs.items()
    ]
    record = subject.record or _record(subject, groups, dataset, progress)
    with half_written_noted(subject.folder):
        return reported(subject.folder, record, groups, dataset, formats, measurements)


def _record(subject: _Subject, groups: Sequence[Group], dataset: Dataset, progress: Progress) -> Record:
    """Return a single run as the record of a one-run study, measured now."""
    (run,) = groups[0].runs
    made_from = origin(run)
    words = ["surgery", str(made_from)] if made_from else ["train", "--config", str(run.path / "config.toml")]
    command = shlex.join(["kerascnn", *words])
    settings = settings_of([run], groups, command)
    environment = run.read("environment.json")
    ending = ending_of(subject.folder, groups, dataset, MARGIN, progress)
    return Record(settings=settings, environment=environment, ending=ending)
