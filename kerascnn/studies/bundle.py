"""``bundle``: a run as a folder for a device, or runs and studies as one page for a browser."""

from collections.abc import Sequence
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.progress import Telling, teller
from kerascnn.studies.grid.record import Record, is_study
from kerascnn.tflite.bundle import bundle as device
from kerascnn.tflite.bundle import web
from kerascnn.tflite.bundle.bundle import WEB, Bundle
from kerascnn.tflite.bundle.devices import devices
from kerascnn.training.run import Run


def bundle(
    what: Run | Path | str | Sequence[Run | Path | str],
    *,
    target: str = "raspberrypi",
    scheme: str | None = None,
    out: Path | str | None = None,
    data_dir: Path | str | None = None,
    progress: Telling = None,
) -> Bundle:
    """Write a folder for a device: model, program, reference images, and a README with the commands.

    Or, for the target ``web``, one HTML page that shows the networks of runs or of a finished study at work;
    of each head of a study it takes the first seed. The same run gives the same bytes. If a run has no file
    for the device, it is quantized first.

    Args:
        what: A run or its folder; for a page also a study's folder, or several of either.
        target: ``raspberrypi``, ``coral``, ``android``, ``web`` or ``generic``.
        scheme: ``None``: full int8.
        out: A folder to make, or an archive where it ends in ``.zip``; ``None``: ``<run>-<target>`` here. For
            ``web`` the page; ``None``: ``<run>-web.html``.
        data_dir: New place of the source's files if they were moved after training.
        progress: Called with the progress of each stage.

    Raises:
        UsageError: A name is unknown, or two settings exclude each other.
        TargetError: The device's accelerator would not run all of the file, or a page cannot show it.
        KerasCnnError: The run or study is incomplete or in use, its data changed, or ``out`` exists.
    """
    named = [what] if isinstance(what, (Run, Path, str)) else list(what)
    if not named:
        raise UsageError("Name at least one run or study.")
    if out is not None and not str(out):
        raise UsageError("out must name a folder, an archive or a page. Received: out=''")
    if devices.canonical(target) == WEB:
        name = Path(named[0]).resolve().name if len(named) == 1 else "networks"
        return web.web_bundle(
            _networks(named),
            scheme=scheme,
            out=Path(out if out is not None else f"{name}-{WEB}{web.SUFFIX}"),
            data_dir=data_dir,
            progress=teller(progress),
        )
    if len(named) > 1 or is_study(Path(named[0])):
        raise UsageError(f"A bundle for {target} holds one run; several, or a study, need the target web.")
    return device.bundle(
        named[0], target=target, scheme=scheme, out=out, data_dir=data_dir, progress=progress
    )


def _networks(named: Sequence[Run | Path | str]) -> dict[str, Run]:
    """Return the runs by what a page calls them: their heads where these differ, or else their folders."""
    found: list[tuple[str, Run]] = []
    for each in named:
        if isinstance(each, Run) or not is_study(Path(each)):
            run = Run.of(each)
            found.append((run.record.architecture.head, run))
        else:
            found += _of_study(Path(each)).items()
    if len({name for name, _ in found}) < len(found):
        found = [(run.path.resolve().name, run) for _, run in found]
    if len({name for name, _ in found}) < len(found):
        found = [(str(run.path), run) for _, run in found]
    return dict(found)


def _of_study(path: Path) -> dict[str, Run]:
    """Return the first seed of each head of a finished study."""
    ending = Record.read(path).ending
    if ending is None:
        raise KerasCnnError(f"{path} is not finished. `kerascnn compare` with --out {path} resumes it.")
    return {name: Run.open(path / places[0]) for name, places in ending.runs.items()}
