"""One cell of a study: a head trained with a seed, quantized, and asked about every test image."""

from pathlib import Path

from kerascnn.data.bad_files import load_checked
from kerascnn.data.dataset import Dataset
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.progress import Progress, silent
from kerascnn.studies.results.predictions import Predictions
from kerascnn.tflite.quantization.result import int8_file
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.records.history import read_history
from kerascnn.training.run import Run

ANSWERS = "answers.npz"


def cell_folder(config: ResolvedConfig) -> Path:
    """Return the folder of a cell's run."""
    return config.runs_dir / str(config.name)


def is_done(config: ResolvedConfig) -> bool:
    """Whether a cell is made: its answers are written last. What somebody removed since is made again."""
    folder = cell_folder(config)
    return (folder / ANSWERS).is_file() and all(file.is_file() for file in predicting_files(Run.open(folder)))


def kept_predictions(run: Run) -> Predictions:
    """Return what a cell's model and its int8 file answered to the test images when it was made.

    Raises:
        KerasCnnError: They are missing, damaged, or not those of its files, which were replaced since.
    """
    shape = run.metrics()["data"]["test"], len(run.read("model.json")["classes"])
    return Predictions.read(run.path / ANSWERS, predicting_files(run), shape)


def require_records(run: Run) -> None:
    """Make sure, before long work, that whatever reports tell of a run can be read.

    Raises:
        KerasCnnError: One of its records is missing or damaged.
    """
    run.require_records()
    ResolvedConfig.read(run.path / "config.toml")
    read_history(run)


def predicting_files(run: Run) -> list[Path]:
    """Return the files of a run that are asked: its model and its full-int8 file."""
    return [run.model_path, int8_file(run)]


def make_cell(config: ResolvedConfig, dataset: Dataset, progress: Progress = silent) -> None:
    """Complete a cell; an interrupted training is resumed.

    Raises:
        KerasCnnError: The training or the quantization failed.
        KeyboardInterrupt: Ctrl-C; what is trained so far is kept.
    """
    from kerascnn.tflite.quantization.quantize import quantize
    from kerascnn.training.train import resume, train

    folder = cell_folder(config)
    if not (folder / "run.json").is_file():
        if folder.exists():
            raise KerasCnnError(f"{folder} is not a run. Delete it; the next run creates it again.")
        run = train(config, progress=progress, dataset=dataset)
    elif (run := Run.open(folder)).record.state != "done":
        run = resume(run, progress=progress)
    if run.record.state != "done":
        raise KeyboardInterrupt
    if not run.model_path.is_file():
        raise KerasCnnError(f"{folder} has no model.keras. Delete it; the next run creates it again.")
    made = quantize(run, accuracy_only=True, progress=progress, dataset=dataset)
    answers = Predictions(made.original.evaluation.probabilities, made.files[0].evaluation.probabilities)
    answers.write(folder / ANSWERS, predicting_files(run))


class CellMaker:
    """Makes cells in a process of its own, for several at once; it loads the data once."""

    def __init__(self) -> None:
        self.progress: Progress = silent
        self._dataset: Dataset | None = None

    def make(self, config: ResolvedConfig) -> None:
        """Make one cell; all of them have the same data."""
        if self._dataset is None:
            self._dataset = load_checked(config.data, config.data_dir, skip_bad_files=config.skip_bad_files)
        make_cell(config, self._dataset, self.progress)
