"""``compare``: every head with the same seeds, data order, schedule and number of epochs."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.data.bad_files import load_checked
from kerascnn.data.dataset import Dataset
from kerascnn.data.sources import is_folder, source_name
from kerascnn.errors import KerasCnnError, TargetError, UsageError
from kerascnn.files import write_json, write_text
from kerascnn.model_file import load_model
from kerascnn.models.heads import heads as known_heads
from kerascnn.profile import profile
from kerascnn.progress import Progress, silent
from kerascnn.report.markdown import markdown
from kerascnn.run import list_runs
from kerascnn.run_folder import free_name
from kerascnn.statistics import paired_difference
from kerascnn.study import HeadResult, SeedAccuracies, Study, Verdict
from kerascnn.tflite import latency
from kerascnn.tflite.interpreter import LiteRTClassifier
from kerascnn.tflite.measured import QuantizationResult
from kerascnn.tflite.quantization import quantize
from kerascnn.training.config import CONDITIONS, ResolvedConfig, TrainingConfig
from kerascnn.training.environment import environment
from kerascnn.training.trainer import train


def compare(
    model: str = "lenet5",
    *,
    heads: Sequence[str] = ("fc", "conv1x1"),
    data: str = "digits",
    data_dir: Path | str | None = None,
    skip_bad_files: bool = False,
    seeds: int = 1,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: Path | str | None = None,
    progress: Progress = silent,
    **network: Any,
) -> Study:
    """Train each head with each seed, quantize it, and compare.

    Args:
        model: A family or its alias.
        heads: At least two.
        data: The source; ``data_dir`` the folder with its files.
        skip_bad_files: Whether picture files that cannot be decoded are left out instead of ending it.
        seeds: How many; they are 1 to ``seeds``.
        epochs: For every head; ``None``: the largest of the heads' defaults.
        batch_size: For every head; ``None``: the recipe's.
        out: The study's folder; ``None``: ``studies/<model>-<source>-<n>``.
        progress: Told about every training and quantization.
        **network: See ``TrainingConfig``; ``head_units`` is for heads that have some.

    Raises:
        UsageError: A name is unknown or a setting makes no sense.
        TargetError: The normalization cannot become int8.
        KerasCnnError: The study's folder exists, or a training failed.
        KeyboardInterrupt: Ctrl-C; the finished runs stay in the study's folder.
    """
    if seeds < 1:
        raise UsageError(f"seeds must be at least 1. Received: seeds={seeds}")
    heads = _distinct(heads)
    configs = _same_for_all(
        [
            TrainingConfig(
                model=model,
                head=head,
                data=data,
                data_dir=None if data_dir is None else Path(data_dir),
                skip_bad_files=skip_bad_files,
                epochs=epochs,
                batch_size=batch_size,
                **_for_head(head, network),
            ).resolved()
            for head in heads
        ]
    )
    if configs[0].norm == "lrn":
        raise TargetError(
            "compare quantizes to int8, and lrn has no int8 operator: use --norm batch or none."
        )
    dataset = load_checked(configs[0].data, data_dir, skip_bad_files=skip_bad_files, progress=progress)
    configs = [config.for_images(len(dataset.train), asked=batch_size) for config in configs]
    folder = _new_folder(out, f"{model}-{source_name(configs[0].data)}")
    try:
        results = {config.head: _cells(config, seeds, dataset, folder, progress) for config in configs}
        rows = _rows(results)
    except KeyboardInterrupt as error:
        kept = f"the runs trained so far are kept in {folder / 'runs'}" if list_runs(folder / "runs") else ""
        raise KeyboardInterrupt(kept) from error
    finally:
        _remove_if_empty(folder)
    study = Study(
        path=folder,
        settings=_settings(configs, seeds),
        environment=environment(dataset),
        heads=rows,
        verdicts=tuple(
            Verdict(a, b, paired_difference(a.accuracy.correct, b.accuracy.correct))
            for a, b in combinations(rows, 2)
        ),
        reports=(folder / "report.md", folder / "report.json"),
    )
    write_text(folder / "report.md", markdown(study))
    write_json(folder / "report.json", study.to_dict())
    return study


def _distinct(heads: Sequence[str]) -> list[str]:
    names = [known_heads.canonical(head.strip()) for head in heads]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(f"heads must be at least two different ones. Received: heads={','.join(heads)}")
    return names


def _for_head(head: str, network: dict[str, Any]) -> dict[str, Any]:
    units = network.get("head_units") if known_heads[head].has_units else None
    return network | {"head_units": units}


def _same_for_all(configs: list[ResolvedConfig]) -> list[ResolvedConfig]:
    """Give every head the first one's conditions and the largest number of epochs."""
    epochs = max(config.epochs for config in configs)
    same = configs[0].model_dump(include=set(CONDITIONS))
    return [config.model_copy(update=same | {"epochs": epochs}) for config in configs]


def _new_folder(out: Path | str | None, stem: str) -> Path:
    folder = free_name(Path("studies"), stem) if out is None else Path(out)
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise KerasCnnError(f"{folder} exists. Name another folder with --out.") from error
    except OSError as error:
        raise KerasCnnError(f"{folder} could not be created: {error.strerror}.") from error
    return folder


def _remove_if_empty(study: Path) -> None:
    with suppress(OSError):
        (study / "runs").rmdir()
        study.rmdir()


def _cells(
    config: ResolvedConfig, seeds: int, dataset: Dataset, out: Path, progress: Progress
) -> list[QuantizationResult]:
    """Train and quantize one head with every seed."""
    results = []
    for seed in range(1, seeds + 1):
        cell = f"{config.head}, seed {seed} of {seeds}"

        def told(stage: str, done: int, total: int, detail: object, cell: str = cell) -> None:
            progress(f"{cell}: {stage}", done, total, detail)

        settings = {"seed": seed, "runs_dir": out / "runs", "name": f"{config.head}-{seed}"}
        run = train(config.model_copy(update=settings), progress=told, dataset=dataset)
        if run.record.state == "interrupted":
            raise KeyboardInterrupt
        results.append(quantize(run, check_stability=False, progress=told, dataset=dataset))
    return results


def _rows(results: dict[str, list[QuantizationResult]]) -> tuple[HeadResult, ...]:
    """Put each head's cells together; latency is measured now, with nothing else running."""
    files = [cells[0].files[0].path for cells in results.values()]
    models = [load_model(cells[0].original.path)[0] for cells in results.values()]
    rows = zip(results.items(), files, models, _latencies(files), strict=True)
    return tuple(
        HeadResult(
            head=head,
            parameters=profile(model).parameters,
            multiply_adds=profile(model).multiply_adds,
            accuracy=SeedAccuracies(np.stack([cell.original.evaluation.correct for cell in cells])),
            int8=SeedAccuracies(np.stack([cell.files[0].evaluation.correct for cell in cells])),
            bytes=file.stat().st_size,
            latency=measured,
        )
        for (head, cells), file, model, measured in rows
    )


def _latencies(files: list[Path]) -> list[Any]:
    def call(lite: LiteRTClassifier) -> Any:
        size = lite.description.preprocessing
        image = lite.encode(np.zeros((1, size.height, size.width, size.channels), np.uint8))
        return lambda: lite.invoke(image)

    return latency.measure([call(LiteRTClassifier(file)) for file in files])


def _settings(configs: list[ResolvedConfig], seeds: int) -> dict[str, Any]:
    first = configs[0]
    heads = ",".join(config.head for config in configs)
    units = next((config.head_units for config in configs if config.head_units), ())
    # What the command line cannot say is the recipe's, so this line repeats the study.
    options = {
        "heads": heads,
        "variant": first.variant,
        "norm": first.norm,
        "head-units": ",".join(map(str, units)),
        "image-size": first.image_size,
        "channels": first.channels,
        "data": "DIR" if is_folder(first.data) else first.data,
        "data-dir": "DIR" if first.data_dir else None,
        "seeds": seeds,
        "epochs": first.epochs,
        "batch-size": first.batch_size,
    }
    command = f"kerascnn compare {first.model} " + " ".join(
        f"--{option} {value}" for option, value in options.items() if value
    )
    if first.skip_bad_files:
        command += " --skip-bad-files"
    return first.model_dump(mode="json", include=_SHARED) | {
        "data": source_name(first.data),
        "heads": [config.head for config in configs],
        "seeds": list(range(1, seeds + 1)),
        "command": command,
    }


_SHARED = {"model", "variant", "norm", "image_size", "channels", "epochs", *CONDITIONS}
