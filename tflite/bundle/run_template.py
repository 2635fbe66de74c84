#!/usr/bin/env python3
"""Classify images with the model in this folder.

python run.py photo.jpg …    classes and probabilities; a folder; - for standard input; --camera
python run.py --selftest     whether this machine computes what it must: the reference images, compared
python run.py --benchmark    how long one inference takes here

In a program of your own: from run import Model, upright (see examples/).
Needs ai-edge-litert, NumPy and Pillow (requirements.txt). Made by kerascnn, Apache-2.0.
"""

import argparse
import hashlib
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

if sys.version_info < (3, 11):  # noqa: UP036
    print(f"Error: run.py needs Python 3.11 or newer, this is {platform.python_version()}.", file=sys.stderr)
    sys.exit(5)

#: For programs of one's own.
__all__ = ["EndError", "Image", "ImageOps", "Model", "frames", "guarded", "upright", "wanted", "why"]
HERE = Path(__file__).resolve().parent
#: run.py is the last line of SHA256SUMS: it is missing from a truncated list.
NEEDED = {"run.py", "pixels.py", "device.py", "model.tflite"}
GUARDED = ("model", "labels.txt", "pixels.py", "device.py", "golden/")  # all else may be changed or removed
PILLOW = (10, 1)  # the oldest version that can say whether an image has transparency
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif"}  # of images in a folder
MOST, LEAST, SECONDS = 1_000, 50, 60.0  # calls that a benchmark times: fewer where 1,000 would take a minute


def listed() -> dict[str, str]:
    """Return the hash of each file in this folder by name."""
    lines = (HERE / "SHA256SUMS").read_text("utf-8").split("\n")[:-1]
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def damaged() -> tuple[list[str], list[str]]:
    """Return the problems with the files in this folder, and which editable ones were changed."""
    try:
        known = listed()
        there = {name: (HERE / name).read_bytes() for name in known if (HERE / name).is_file()}
    except (OSError, UnicodeDecodeError) as error:
        return [f"SHA256SUMS: {error}"], []
    changed = [n for n, content in there.items() if hashlib.sha256(content).hexdigest() != known[n]]
    missing = NEEDED.union(known) - there.keys()
    bad = sorted(name for name in missing if name in NEEDED or name.startswith(GUARDED))
    altered = sorted(name for name in changed if name.startswith(GUARDED))
    problems = [f"{name} is missing" for name in bad] + [f"{name} has changed" for name in altered]
    return problems, sorted(missing.union(changed).difference(bad, altered))


def end(message: str, code: int) -> NoReturn:
    """End the program with one line."""
    print(f"Error: {message}", file=sys.stderr)
    sys.exit(code)


sys.dont_write_bytecode = True  # this folder stays as it was made
if __name__ in ("__main__", "run"):
    problems, edited = damaged()  # before anything of this folder is imported
    if problems:
        end(f"this folder is damaged: {'; '.join(problems)}. Copy it again.", 1)
    if edited and __name__ == "__main__":
        print(f"Note: {', '.join(edited)} changed or removed since this folder was created.", file=sys.stderr)
    sys.path.insert(0, str(HERE))  # python -I and PYTHONSAFEPATH leave it out
try:
    import numpy as np
    import PIL
    from numpy.typing import NDArray
    from PIL import Image, ImageOps, UnidentifiedImageError

    if tuple(map(int, PIL.__version__.split(".")[:2])) < PILLOW:
        needed = ".".join(map(str, PILLOW))
        raise ImportError(f"Pillow {needed} or newer is needed, this is {PIL.__version__}")
    from kerascnn.data.pixels import on_canvas, upright
    from kerascnn.tflite.bundle.device import EndError, accelerated, frames, heat
except ImportError as lacking:
    first, *_ = str(lacking).strip().splitlines() or ["a package does not load"]
    end(f"{first}: python -m pip install -r requirements.txt", 5)


class Model:
    """The network with its preprocessing: an image in, probabilities out.

    Args:
    delegate: ``cpu``, or an accelerator that ``model.json`` describes.
    threads: Number of CPU threads; ``None``: all.
    """

    def __init__(self, delegate: str = "cpu", threads: int | None = None) -> None:
        threads = threads or os.cpu_count() or 1
        self.card = json.loads((HERE / "model.json").read_text("utf-8"))
        self.labels = (HERE / "labels.txt").read_text("utf-8").split("\n")[:-1]
        self.threads, self.delegate = threads, delegate
        accelerator = self.card["delegates"].get(delegate)
        if accelerator is None and delegate != "cpu":
            raise EndError(f"this folder is not for {delegate}.", 2)
        self.name = (accelerator or self.card)["model"]
        if self.name is None:
            make = f"{accelerator['compile']}, then create this folder again, see README.md"
            raise EndError(f"there is no file for the {accelerator['title']}: {make}.", 5)
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise EndError(f"{error}: python -m pip install -r requirements.txt", 5) from error
        began = time.perf_counter()
        delegates = [accelerated(accelerator)] if accelerator else []
        try:
            self._interpreter = Interpreter(
                str(HERE / self.name), num_threads=threads, experimental_delegates=delegates
            )
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            code = 5 if delegates else 1  # a device that another program holds
            raise EndError(
                f"{self.name} cannot be opened here: {str(error).splitlines()[0]}.", code
            ) from error
        self.init_ms = 1e3 * (time.perf_counter() - began)
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        rule = self.card["preprocessing"]
        shapes = [each["shape"][1:].tolist() for each in (self._input, self._output)]
        if shapes != [[rule["height"], rule["width"], rule["channels"]], [len(self.labels)]]:
            raise EndError(
                f"{self.name} is not the model of this folder: its input and output are {shapes}.", 1
            )

    def encoded(self, image: Image.Image) -> NDArray[Any]:
        """Return an image in mode L or RGB in the type and scale of the input tensor."""
        pixels = on_canvas(image, **self.card["preprocessing"])
        (scale, zero_point), dtype = self._input["quantization"], self._input["dtype"]
        if not scale:
            return pixels.astype(dtype)
        limits = np.iinfo(dtype)
        values: NDArray[Any] = np.round(pixels / scale + zero_point).clip(limits.min, limits.max)
        return values.astype(dtype)

    def invoke(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the output tensor's row for one encoded image."""
        self._interpreter.set_tensor(self._input["index"], values[np.newaxis])
        self._interpreter.invoke()
        row: NDArray[Any] = self._interpreter.get_tensor(self._output["index"])[0]
        return row

    def logits(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return the logits, computed without a delegate, which would hide them."""
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        interpreter = Interpreter(
            str(HERE / self.card["model"]),
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
        rows = []
        for values in inputs:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values[np.newaxis])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(self.card["logits"]["tensor"]).reshape(-1))
        return np.stack(rows)

    def likeliest(self, image: Image.Image, count: int = 3) -> list[dict[str, Any]]:
        """Return labels and probabilities, the most likely first."""
        scale, zero_point = self._output["quantization"]
        row = self.invoke(self.encoded(image)).astype(np.float32)
        shares = (row - zero_point) * scale if scale else row
        order = np.argsort(-shares, kind="stable")[:count]
        return [{"label": self.labels[n], "probability": float(shares[n])} for n in order]


def opened(options: argparse.Namespace) -> Model:
    """Return the model; without its accelerator it runs on the CPU only with --fallback, and says so."""
    try:
        return Model(options.delegate, options.threads)
    except EndError as failure:
        if not (options.fallback and failure.args[1] == 5):
            raise
        print(f"{failure.args[0]} Running on the CPU, as --fallback allows.", file=sys.stderr)
        return Model("cpu", options.threads)


def classify(model: Model, options: argparse.Namespace) -> int:
    """Print the predictions for every image; return 1 if one could not be decoded."""
    answers: list[dict[str, Any]] = []
    code = 0
    for name, source in sources(options.images):
        try:
            if isinstance(source, str) and os.path.exists(source) and not os.path.isfile(source):  # noqa: PTH110, PTH113
                raise OSError("it is not a regular file")  # a pipe would be waited for
            image, _ = upright(source)
        except Exception as error:  # Pillow's decoders raise whatever their format's code meets
            print(f"Error: {name} cannot be decoded as an image: {why(error)}.", file=sys.stderr)
            code = 1
            continue
        image = ImageOps.invert(image) if options.invert else image
        answers.append({"image": name, "classes": model.likeliest(image)})
        if not options.json:
            print(f"{name}  {shown(answers[-1]['classes'])}", flush=True)
    if options.json:
        print(json.dumps(answers))
    return code


def why(error: Exception) -> str:
    """Return why an image could not be read, in a few words."""
    if isinstance(error, UnidentifiedImageError):
        return "its format is not supported"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {Image.MAX_IMAGE_PIXELS:,} pixels"
    return getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]


def shown(classes: list[dict[str, Any]]) -> str:
    """Return classes and probabilities as text."""
    return "  ".join(f"{one['label']} {100 * one['probability']:.1f} %" for one in classes)


def sources(named: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield a name and a path or open file for each image; for a folder, all its files."""
    for name in named:
        if name == "-":
            yield name, BytesIO(sys.stdin.buffer.read())
        elif os.path.isdir(name):  # noqa: PTH112 (Path.is_dir fails on a name that is too long)
            inside = [one for one in sorted(Path(name).iterdir()) if one.suffix.lower() in SUFFIXES]
            images = [one for one in inside if one.is_file() and not one.name.startswith(".")]
            if not images:
                raise EndError(f"{name} contains no images.", 1)
            yield from ((str(one), one) for one in images)
        else:
            yield name, name


def camera(model: Model, options: argparse.Namespace) -> int:
    """Classify camera images until Ctrl-C."""
    images = frames()
    try:
        while True:
            try:
                image = next(images)
            except (ImportError, OSError, RuntimeError, ValueError) as error:  # of a driver that does not fit
                raise EndError(f"the camera does not work: {why(error)}.", 1) from error
            classes = model.likeliest(ImageOps.invert(image) if options.invert else image)
            print(json.dumps(classes) if options.json else shown(classes), flush=True)
    except StopIteration:
        raise EndError("the camera returns no images.", 1) from None
    except KeyboardInterrupt:
        return 0


def selftest(model: Model, options: argparse.Namespace) -> int:
    """Compare this device's inputs and outputs for the reference images with the expected ones."""
    inputs, outputs, lowest, highest, logits = (
        np.load(HERE / f"golden/{name}.npy", allow_pickle=False)
        for name in ("inputs", "outputs", "lowest", "highest", "logits")
    )
    images = [HERE / name for name in sorted(listed()) if name.endswith(".png")]
    found = [model.encoded(upright(path)[0]) for path in images]
    pairs = zip(images, found, inputs, strict=True)
    unequal = [path.name for path, here, there in pairs if here.tobytes() != there.tobytes()]
    computed = np.stack([model.invoke(values) for values in inputs])
    off = ~((lowest <= computed) & (computed <= highest))  # so that NaN is off, too
    off |= ~((lowest <= outputs) & (outputs <= highest))  # golden files that contradict each other
    gaps = np.zeros(outputs.shape, int)
    if model.delegate == "cpu" and model.card["logits"]:
        gaps = np.abs(model.logits(inputs).astype(int) - logits)
    bad = gaps > model.card["logits"]["steps"] if model.card["logits"] else gaps > 0
    report: dict[str, Any] = {"images": len(images), "inputs_differ": unequal, "outputs": outputs.size}
    report |= {"outputs_differ": int((computed != outputs).sum()), "outputs_wrong": int(off.sum())}
    report |= {"logits_differ": int((gaps > 0).sum()), "logits_wrong": int(bad.sum())}
    report["classes_differ"] = int((computed.argmax(axis=1) != outputs.argmax(axis=1)).sum())
    same = not (report["outputs_differ"] or report["logits_differ"])
    verdict = "wrong" if unequal or off.any() or bad.any() else "equal" if same else "within rounding"
    report |= {"passed": verdict != "wrong", "verdict": verdict, "delegate": model.delegate}
    counts = {"outputs": report["outputs_wrong"], "logits": report["logits_wrong"]}
    wrong = [f"{count} of {outputs.size} {what} wrong" for what, count in counts.items() if count]
    between = report["classes_differ"]
    told = [
        f"{len(unequal)} inputs differ" if unequal else "inputs equal byte for byte",
        *(wrong or ([] if unequal else [f"outputs {verdict}"])),
        f"{between} images are between two classes" if between else "the same classes",
    ]
    outcome = "passed" if report["passed"] else "FAILED"
    line = f"selftest {outcome}: {len(images)} images on the {model.delegate}, {', '.join(told)}"
    print(json.dumps(report) if options.json else line)
    return 0 if report["passed"] else 1


def benchmark(model: Model, options: argparse.Namespace) -> int:
    """Time single inferences on a reference image, the first call and the warm-up separately."""
    values = np.load(HERE / "golden/inputs.npy", allow_pickle=False)[0]
    first, *warm = (timed(model, values) for _ in range(20))
    runs = options.runs or int(min(MOST, max(LEAST, SECONDS / min(warm))))
    before = heat()
    times = 1e6 * np.array([timed(model, values) for _ in range(runs)])
    figures = {"init_ms": model.init_ms, "first_us": 1e6 * first}
    figures |= dict(zip(("median_us", "p95_us", "p99_us"), np.percentile(times, [50, 95, 99]), strict=True))
    figures |= {"mean_us": times.mean(), "sd_us": times.std()}
    entry = {"path": model.name, "delegate": model.delegate, "threads": model.threads, "runs": runs}
    entry |= {name: round(float(figure), 2) for name, figure in figures.items()}
    device = {"machine": platform.machine(), "system": platform.platform(), "before": before, "after": heat()}
    document = {"models": [entry | {"model_sha256": model.card["model_sha256"]}], "device": device}
    lines = [f"{name:10} {value}" for name, value in (entry | device).items()]
    print(json.dumps(document) if options.json else "\n".join(lines))
    return 0


def timed(model: Model, values: NDArray[Any]) -> float:
    """Return the seconds of one inference."""
    began = time.perf_counter()
    model.invoke(values)
    return time.perf_counter() - began


def main() -> int:
    """Read the options and run the chosen action."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written, allow_abbrev=False)
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    modes = {"camera": camera, "selftest": selftest, "benchmark": benchmark}
    for mode in modes:
        parser.add_argument(f"--{mode}", action="store_true")
    parser.add_argument(
        "--runs", type=int, help="inferences of the benchmark (default: 1,000, fewer for a slow model)"
    )
    parser.add_argument("--invert", action="store_true", help="dark on light paper becomes light on dark")
    parser.add_argument("--delegate", default="cpu", help="cpu (default), or the accelerator of this folder")
    parser.add_argument(
        "--fallback", action="store_true", help="use the CPU if there is no accelerator, with a note"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    asked = [function for mode, function in modes.items() if getattr(options, mode)]
    asked += [classify] if options.images else []
    if len(asked) != 1:
        parser.error("give images, or one of --camera, --selftest, --benchmark")
    if not 1 <= options.threads <= 256 or not 1 <= (options.runs or 1) <= 10**9 or options.runs == 0:
        parser.error("--threads is 1 to 256, --runs at least 1")
    if (options.runs and not options.benchmark) or (options.fallback and options.delegate == "cpu"):
        parser.error("--runs goes with --benchmark, --fallback with a --delegate")
    if options.invert and (options.selftest or options.benchmark):
        parser.error("--invert goes with images or --camera")
    try:
        return asked[0](opened(options), options)
    except (
        ValueError,
        KeyError,
        EOFError,
        IndexError,
        TypeError,
    ) as error:  # of files changed with their sums
        raise EndError(f"this folder is inconsistent: {why(error)}. Copy it again.", 1) from error


def wanted(model: Model, default: float) -> tuple[str, float]:
    """Return the class and number from an example's arguments.

    Raises:
        EndError: There is no class, the model does not know it, or the number is none.
    """
    name, *given = Path(sys.argv[0]).name, *sys.argv[1:]
    if not given or given[0] not in model.labels:
        known = ", ".join(model.labels[:20]) + (", …" if len(model.labels) > 20 else "")
        raise EndError(f"give a class after {name}: {known}.", 2)
    try:
        return given[0], float(given[1]) if len(given) > 1 else default
    except ValueError:
        raise EndError(f"{given[1]} after the class is not a number.", 2) from None


def guarded(work: Callable[[], int | None]) -> NoReturn:
    """Run a program and exit; an error is one line with its exit code."""
    warnings.simplefilter("ignore")  # Pillow's of large images, which are refused further on
    for stream in (sys.stdout, sys.stderr):
        if stream:  # a shell can close it
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        sys.exit(work())
    except EndError as failure:
        end(*failure.args)
    except BrokenPipeError:  # nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        end(f"{error.filename}: {why(error)}" if error.filename else why(error), 1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    guarded(main)
