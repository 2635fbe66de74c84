"""Time of one inference: kerascnn's int8 file against ONNX Runtime and PyTorch with the same weights.

RUN is a trained ``lenet5`` (modern, head ``fc``) or ``alexnet`` (``one_tower`` with batch normalization),
with its int8 file. Its weights are put into a PyTorch network of the same layers, that is exported for ONNX
Runtime and quantized there with the calibration images of the int8 file. What each answers to 200 test images
is compared with the Keras model first. Every contender gets the image as its input takes it: int8 here,
standardised float32 there.

Then the overhead of kerascnn's own way through many images over a bare loop around LiteRT's interpreter, both
from raw pixels to scores, on one thread and on all.

Each measurement has a process of its own; contenders in turns. Choose the processors with ``taskset``.

    python benchmarks/inference.py RUN [--threads 1] [--rounds 5] [--calls 2000] [--images 10000]
        [--json FILE]
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from contenders.measured import judged, show
from contenders.turns import in_turns

WARM_UP = 0.05  # of the calls, before those that count
COMPARED = 200
LEAST = {"lenet5": 3.0, "alexnet": 1.0}  # times as fast as ONNX Runtime int8
MOST_OVERHEAD = 0.10
Classify = Callable[[np.ndarray], np.ndarray]


def litert(options: argparse.Namespace) -> Classify:
    from kerascnn.tflite.runtime.interpreter import LiteRTClassifier

    lite = LiteRTClassifier(options.folder / "int8.tflite", threads=options.threads)
    options.encode = lite.encode
    return lambda image: lite.invoke(image)


def onnx(options: argparse.Namespace, name: str) -> Classify:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(
        options.folder / f"{name}.onnx", settings, ["CPUExecutionProvider"]
    )
    options.encode = _standardised(options.folder)
    return lambda image: session.run(None, {"pixels": image})[0][0]


def pytorch(options: argparse.Namespace) -> Classify:
    import torch

    torch.set_num_threads(options.threads)
    network = torch.load(options.folder / "network.pt", weights_only=False).eval()
    standardised = _standardised(options.folder)
    options.encode = lambda images: torch.from_numpy(standardised(images))

    def classify(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(image)[0].numpy()

    return classify


def _standardised(folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    scale, offset = json.loads((folder / "rescaling.json").read_text("utf-8"))

    def encode(images: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray((images.astype(np.float32) * scale + offset).transpose(0, 3, 1, 2))

    return encode


SINGLE: dict[str, Callable[[argparse.Namespace], Classify]] = {
    "kerascnn int8": litert,
    "ONNX Runtime int8, u8s8": lambda options: onnx(options, "u8s8"),
    "ONNX Runtime int8, s8s8": lambda options: onnx(options, "s8s8"),
    "ONNX Runtime float": lambda options: onnx(options, "float"),
    "PyTorch eager float": pytorch,
}


def single(options: argparse.Namespace) -> float:
    """Return the median microseconds of one inference."""
    classify = SINGLE[options.only](options)
    image = options.encode(np.load(options.folder / "images.npy")[:1])
    times = []
    warm_up = math.ceil(WARM_UP * options.calls)
    for _ in range(warm_up + options.calls):
        began = time.perf_counter()
        classify(image)
        times.append(time.perf_counter() - began)
    return 1e6 * statistics.median(times[warm_up:])


def own_way(images: np.ndarray, path: Path, threads: int) -> np.ndarray:
    """Return probabilities as every command of kerascnn gets them."""
    from kerascnn.tflite.runtime.interpreter import LiteRTClassifier

    return LiteRTClassifier(path, threads=threads)(images)


def bare_loop(images: np.ndarray, path: Path, threads: int) -> np.ndarray:
    """Return the output rows of a loop around interpreters, one a thread, that does no more than it must."""
    from ai_edge_litert.interpreter import Interpreter

    encoded = (images ^ 0x80).view(np.int8)  # pixel - 128

    def rows(part: np.ndarray) -> list[np.ndarray]:
        interpreter = Interpreter(str(path), num_threads=1)
        interpreter.allocate_tensors()
        taken, given = (
            interpreter.get_input_details()[0]["index"],
            interpreter.get_output_details()[0]["index"],
        )
        scores = []
        for position in range(len(part)):
            interpreter.set_tensor(taken, part[position : position + 1])
            interpreter.invoke()
            scores.append(interpreter.get_tensor(given)[0])
        return scores

    with ThreadPoolExecutor(threads) as workers:
        return np.concatenate(list(workers.map(rows, np.array_split(encoded, threads))))


MANY = {"kerascnn": own_way, "bare loop": bare_loop}


def many(options: argparse.Namespace) -> float:
    """Return images per second through one of the two ways, opening the file included."""
    way, _, threads = options.only.rpartition(", threads: ")
    images = np.load(options.folder / "images.npy")
    images = np.tile(images, (-(-options.images // len(images)), 1, 1, 1))[: options.images]
    MANY[way](images[:10], options.folder / "int8.tflite", int(threads))
    began = time.perf_counter()
    MANY[way](images, options.folder / "int8.tflite", int(threads))
    return len(images) / (time.perf_counter() - began)


def prepare(options: argparse.Namespace) -> tuple[str, dict[str, float]]:
    """Write what the contenders open; return the network's name and how often each answers as Keras does."""
    import shutil

    import torch
    from contenders import alexnet_pytorch, lenet5_pytorch
    from contenders.keras_weights import take_weights
    from contenders.onnx_files import write_onnx_files

    from kerascnn.analysis.evaluation.evaluation import keras_scores
    from kerascnn.models.keras_file import load_model
    from kerascnn.training.records.trained_data import load_trained_data
    from kerascnn.training.run import Run

    run = Run.open(options.run)
    model, description = load_model(run.require_model())
    data = load_trained_data(run, None)
    train, test = (split.prepared(description.preprocessing) for split in (data.train, data.test))
    if description.architecture.model == "lenet5":
        network, volume = lenet5_pytorch.lenet5(), lenet5_pytorch.VOLUME
    else:
        head = description.architecture.head
        network, volume = alexnet_pytorch.alexnet(head, len(description.classes)), alexnet_pytorch.VOLUME
    take_weights(network, model.get_weights(), volume)
    rescaling = model.get_layer("rescaling")
    (options.folder / "rescaling.json").write_text(json.dumps([rescaling.scale, rescaling.offset]))
    torch.save(network.eval(), options.folder / "network.pt")
    images = test.images[:COMPARED]
    np.save(options.folder / "images.npy", images)
    shutil.copy(run.tflite_dir / "static_wi8_ai8.tflite", options.folder / "int8.tflite")
    record = run.read("tflite/calibration.json", "samples")
    chosen = np.array([sample["index"] for sample in record["samples"]])
    write_onnx_files(network, _standardised(options.folder)(train.images[chosen]), options.folder)

    expected = keras_scores(model, images).argmax(axis=1)
    alike = {}
    for name, make in SINGLE.items():
        classify = make(options)
        answers = [classify(options.encode(image[np.newaxis])).argmax() for image in images]
        alike[name] = float((answers == expected).mean())
    return description.architecture.model, alike


def compare(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        options.folder = Path(folder)
        name, alike = prepare(options)
        given = [options.run, "--threads", options.threads, "--calls", options.calls]
        given += ["--images", options.images, "--folder", folder]
        single_times = in_turns(__file__, SINGLE, options.rounds, *given)
        ways = [f"{way}, threads: {n}" for n in sorted({1, os.cpu_count() or 1}) for way in MANY]
        many_rates = in_turns(__file__, ways, options.rounds, *given)
    medians = {each: statistics.median(times) for each, times in single_times.items()}
    ours = medians["kerascnn int8"]
    rows = [
        {
            "one inference": each,
            "µs, median": medians[each],
            "each round": times,
            "kerascnn is times as fast": medians[each] / ours,
            "answers as Keras": f"{alike[each]:.1%}",
        }
        for each, times in single_times.items()
    ]
    quickest = min(medians[each] for each in medians if each.startswith("ONNX Runtime int8"))
    notes = [judged("kerascnn int8 against the quicker ONNX Runtime int8", quickest / ours, LEAST[name])]
    for number in sorted({1, os.cpu_count() or 1}):
        own, bare = (statistics.median(many_rates[f"{way}, threads: {number}"]) for way in MANY)
        overhead = bare / own - 1
        verdict = "met" if overhead <= MOST_OVERHEAD else "missed"
        notes.append(
            f"{options.images:,} images, threads: {number}: kerascnn {own:,.0f} images/s, a bare loop "
            f"{bare:,.0f}: overhead {overhead:.1%} (bar {MOST_OVERHEAD:.0%}: {verdict})."
        )
    show(
        f"{name}, batch 1, {options.threads} threads, n = {COMPARED} compared answers",
        rows,
        options.json,
        notes,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(single(options) if options.only in SINGLE else many(options))
    else:
        compare(options)


if __name__ == "__main__":
    main()
