"""``bundle``: a run as a folder or an archive that runs on a device."""

import hashlib
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from kerascnn.data.dataset import Dataset
from kerascnn.foundation.errors import KerasCnnError, MissingError, UsageError
from kerascnn.foundation.files import json_text, whole_file
from kerascnn.foundation.lock import held
from kerascnn.foundation.progress import Progress, Telling, teller
from kerascnn.foundation.text.shown import Block, Facts, Shown
from kerascnn.tflite.accelerators.accelerator import Accelerator
from kerascnn.tflite.bundle.devices import devices
from kerascnn.tflite.bundle.golden import golden, logits_of
from kerascnn.tflite.bundle.readme import LICENSE, readme
from kerascnn.tflite.metadata.labels import LABELS, lines
from kerascnn.tflite.quantization.file_spec import FileSpec
from kerascnn.tflite.quantization.schemes import FULL_INT8
from kerascnn.tflite.quantization.targets import Target
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.runtime.isolated import require_runs
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run

WEB = "web"  # the target that is one page
SUMS = "SHA256SUMS"
MODEL = "model.tflite"
NEEDED = ("ai-edge-litert", "numpy", "pillow")
TESTED = ("accuracy", "low", "high", "n", "drop_points")  # on the test images
#: The programs of a bundle: their package here, and their name there. They import each other by the latter.
PROGRAMS = {
    "run.py": ("kerascnn.tflite.bundle", "run_template"),
    "pixels.py": ("kerascnn.data", "pixels"),
    "device.py": ("kerascnn.tflite.bundle", "device"),
    "examples/watch.py": ("kerascnn.tflite.bundle.examples", "watch"),
    "examples/serve.py": ("kerascnn.tflite.bundle.examples", "serve"),
    "examples/gpio.py": ("kerascnn.tflite.bundle.examples", "gpio"),
}


@dataclass(frozen=True)
class Bundle(Shown):
    """What was written: a folder, an archive where ``path`` ends in ``.zip``, or a page in ``.html``.

    Attributes:
        target: The device.
        files: Their names, sorted.
        sha256: Hash of the list of hashes, and so of the whole content; of a page its own.
    """

    path: Path
    target: str
    files: tuple[str, ...]
    sha256: str

    def blocks(self) -> list[Block]:
        """Return the written files and the next steps."""
        files = "1 file" if len(self.files) == 1 else f"{len(self.files)} files"
        told = {
            "bundle": f"{self.path}, {files}",
            "for": self.target,
            "sha256": self.sha256,
            "next": self._next,
        }
        return [Facts(told)]

    @property
    def _next(self) -> str:
        if self.target == WEB:
            return f"open {self.path} in a browser; it needs no network"
        if self.path.suffix == ".zip":
            return f"unpack {self.path} on the device and follow its README.md"
        return f"copy it to the device and follow {self.path}/README.md"

    def to_dict(self) -> dict[str, Any]:
        """Return path, target, files and sha256."""
        return {
            "path": str(self.path),
            "target": self.target,
            "files": list(self.files),
            "sha256": self.sha256,
        }


def bundle(
    run: Run | Path | str,
    *,
    target: str = "raspberrypi",
    scheme: str | None = None,
    out: Path | str | None = None,
    data_dir: Path | str | None = None,
    progress: Telling = None,
) -> Bundle:
    """Write a folder for a device: model, program, reference images, and a README with the commands.

    The same run gives the same bytes. If the run has no file for the device, it is quantized first.

    Args:
        run: The run or its folder.
        target: ``raspberrypi``, ``coral``, ``android`` or ``generic``.
        scheme: ``None``: full int8.
        out: A folder to make, or an archive where it ends in ``.zip``; ``None``: ``<run>-<target>`` here.
        data_dir: New place of the source's files if they were moved after training.
        progress: Called with the progress of each stage.

    Raises:
        UsageError: A name is unknown, or two settings exclude each other.
        TargetError: The device's accelerator would not run all of the file.
        KerasCnnError: The run is incomplete or in use, its data changed, or ``out`` exists.
    """
    progress = teller(progress)
    run = Run.of(run)
    device, target = devices[target], devices.canonical(target)
    io = device.io if scheme in (None, FULL_INT8) else None
    spec = FileSpec.of(scheme or FULL_INT8, io, Target.on(device.accelerator))
    if out is not None and not str(out):
        raise UsageError("out must name a folder or an archive. Received: out=''")
    path = Path(out) if out is not None else Path(f"{run.path.resolve().name}-{target}")
    require_free(path)
    run.require_model()
    with held(run.path):
        progress("bundling", 0, 3, "loading")
        dataset = load_trained_data(run, data_dir)
        progress("bundling", 1, 3, "model")
        model = model_of(run, spec, dataset, progress)
        progress("bundling", 2, 3, "reference images")
        content = dict(sorted(_content(run, target, spec, model, dataset).items()))
    require_free(path)  # another process may have been quicker
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in content.items())
    content[SUMS] = sums.encode()
    _write(path, content)
    progress("bundling", 3, 3, "done")
    return Bundle(path, target, tuple(sorted(content)), hashlib.sha256(sums.encode()).hexdigest())


def require_free(path: Path) -> None:
    """Refuse a place where something is.

    Raises:
        KerasCnnError: It exists.
    """
    if path.exists() or path.is_symlink():
        raise KerasCnnError(f"{path} exists. Choose another path with --out, or delete it.")


def model_of(run: Run, spec: FileSpec, dataset: Dataset, progress: Progress) -> Path:
    """Return the requested ``.tflite`` file; create it if it is missing, outdated or does not map."""
    path = run.tflite_dir / f"{spec.stem}.tflite"
    with run.require_model().open("rb") as file:
        made_from = hashlib.file_digest(file, "sha256").hexdigest()
    fits = path.is_file() and made_from.encode() in path.read_bytes()  # its metadata names the model's hash
    recorded = path.with_suffix(".result.json").is_file()
    if not (fits and recorded) or spec.target.problem(path):
        from kerascnn.tflite.quantization.quantize import quantize

        quantize(
            run,
            scheme=spec.scheme.name,
            target=spec.target.name,
            io=spec.io,
            dataset=dataset,
            progress=progress,
        )
    return path


def _content(run: Run, target: str, spec: FileSpec, model: Path, dataset: Dataset) -> dict[str, bytes]:
    """Return every file of the bundle except the list of hashes."""
    require_runs(model)
    lite = LiteRTClassifier(model)
    accelerator = spec.target.accelerator
    compiled = _compiled(model, accelerator)
    delegates = _delegates(accelerator, is_compiled=compiled is not None)
    card = _card(run, target, spec, model, lite) | {"delegates": delegates}
    content = {
        MODEL: model.read_bytes(),
        LABELS: lines(lite.description.classes),
        "model.json": (json_text(card, indent=2, ensure_ascii=False) + "\n").encode(),
        **programs(),
        "requirements.txt": "".join(f"{name}=={version(name)}\n" for name in NEEDED).encode(),
        "README.md": readme(card).encode(),
        "LICENSE": LICENSE.encode(),
    }
    if accelerator and compiled:
        content[compiled_name(accelerator.name)] = compiled
    return content | golden(lite, dataset.test)


def _card(run: Run, target: str, spec: FileSpec, model: Path, lite: LiteRTClassifier) -> dict[str, Any]:
    """Return the content of ``model.json``."""
    described = lite.description
    tested = run.read(f"tflite/{model.stem}.result.json")
    rule = described.preprocessing
    return {
        "format": 1,
        "kerascnn": version("kerascnn"),
        "target": target,
        "run": run.path.resolve().name,
        "network": str(described.architecture),
        "source": str(described.source),
        "keras_sha256": hashlib.sha256(run.model_path.read_bytes()).hexdigest(),
        "model": MODEL,
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "scheme": spec.scheme.name,
        "input": spec.io,
        "logits": logits_of(model),
        "preprocessing": {
            "height": rule.height,
            "width": rule.width,
            "channels": rule.channels,
            "margin": rule.margin,
            "fit": rule.fit,
        },
        "classes": list(described.classes),
        "test": {name: tested[name] for name in TESTED},
    }


def compiled_name(accelerator: str) -> str:
    """Return how the file for an accelerator is called in a bundle."""
    return f"model_{accelerator}.tflite"


def _delegates(accelerator: Accelerator | None, *, is_compiled: bool) -> dict[str, dict[str, Any]]:
    """Return what ``run.py`` must know to reach the accelerator, by its name; empty: all is the processor's.

    ``model`` is the file that the accelerator takes, ``None``: it is still to be compiled.
    """
    if accelerator is None or accelerator.delegate is None:
        return {}
    delegate, compiler = accelerator.delegate, accelerator.compiler
    known: dict[str, Any] = {
        "title": accelerator.title,
        "model": MODEL,
        "library": delegate.library,
        "elsewhere": dict(delegate.elsewhere),
        "remedy": delegate.remedy,
    }
    if compiler:
        known["model"] = compiled_name(accelerator.name) if is_compiled else None
        known["compile"] = f"kerascnn compile {MODEL}   (or {compiler.program} {MODEL})"
    return {accelerator.name: known}


def _compiled(model: Path, accelerator: Accelerator | None) -> bytes | None:
    """Return the file compiled for an accelerator if its compiler is installed."""
    if accelerator is None or accelerator.compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        try:
            return accelerator.compiler.compile(model, Path(folder)).read_bytes()
        except MissingError:
            return None


def programs() -> dict[str, bytes]:
    """Return the programs of a bundle and the modules of this package that they import."""
    sources = {
        name: (files(package) / f"{module}.py").read_text(encoding="utf-8")
        for name, (package, module) in PROGRAMS.items()
    }
    for name, (package, module) in PROGRAMS.items():
        there = f"from {name.removesuffix('.py')} import"
        sources = {at: text.replace(f"from {package}.{module} import", there) for at, text in sources.items()}
    return {name: text.encode() for name, text in sources.items()}


def _write(path: Path, content: dict[str, bytes]) -> None:
    """Write an archive where the name ends in ``.zip``, or else a folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        (_write_archive if path.suffix.lower() == ".zip" else _write_folder)(path, content)
    except OSError as error:
        raise KerasCnnError(f"{path} could not be written: {error.strerror}.") from error


def _write_archive(path: Path, content: dict[str, bytes]) -> None:
    with whole_file(path) as aside, zipfile.ZipFile(aside, "w") as archive:
        for name, data in content.items():
            member = zipfile.ZipInfo(f"{path.stem}/{name}")  # without a time: the same run, the same bytes
            member.external_attr = 0o644 << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)


def _write_folder(path: Path, content: dict[str, bytes]) -> None:
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        for name, data in content.items():
            (aside / name).parent.mkdir(exist_ok=True)
            (aside / name).write_bytes(data)
        aside.chmod(0o755)
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
