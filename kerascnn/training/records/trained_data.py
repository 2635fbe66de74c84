"""Load the data of a run and check that they are unchanged."""

from pathlib import Path

from kerascnn.data.bad_files import without
from kerascnn.data.dataset import Dataset
from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.run import Run


def load_trained_data(run: Run, moved_to: Path | str | None = None) -> Dataset:
    """Load the data of a run and check that they are unchanged.

    Args:
        run: The run.
    moved_to: New place of the source's files or the folder of photos; ``None``: unchanged.

    Raises:
        KerasCnnError: They are not there, or are others.
    """
    config = ResolvedConfig.read(run.path / "config.toml")
    folder = config.source.folder
    if folder:
        folder = Path(moved_to or folder).resolve()
        if not folder.is_dir():
            raise KerasCnnError(
                f"{folder}, which {run.path} was trained on, is missing. Give its new place with --data-dir."
            )
        dataset = load(str(folder))
    else:
        dataset = load(config.data, moved_to or config.data_dir)
    made_with = run.read("environment.json")
    skipped = made_with.get("skipped_files", [])
    if skipped and folder:
        paths = [folder / file["path"] for file in skipped]
        gone = [path for path in paths if not path.exists()]
        if gone:
            raise KerasCnnError(
                f"{gone[0]}, which {run.path} left out, is missing, but the split depends on it. Put back "
                "any file of that name."
            )
        dataset = without(dataset, paths)
    if dataset.digests() != made_with["data_sha256"]:
        raise KerasCnnError(
            f"{moved_to or config.data} is not the data that {run.path} was trained on (other hash), so "
            "calibration and test images could be mixed. Give the right folder with --data-dir."
        )
    return dataset
