"""A stand-in for Google's ``edgetpu_compiler``, which nobody may ship. It compiles nothing.

It prints what the real one (version 16) prints, ends as it ends and leaves the files it leaves, in the case
that the environment variable STAND_IN names. What it was called with goes to the file STAND_IN_SEEN.
"""

# ruff: noqa: T201

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

MAPPED = "Mapped to Edge TPU"
LEFT = "Operation is otherwise supported, but not mapped due to some unspecified limitation"

#: The words of the failures, behind the version and the timer.
WORDS = {
    "not_quantized": "Invalid model: {file}\nModel not quantized",
    "unparsable": "Invalid model: {file}\nModel could not be parsed",
    "version": "ERROR: Didn't find op for builtin opcode 'CONV_2D' version '6'\n\n"
    "ERROR: Registration failed.\n\nInvalid model: {file}\nModel could not be parsed",
    "dynamic": "ERROR: Attempting to use a delegate that only supports static-sized tensors with a graph "
    "that has dynamic-sized tensors.",
    "large": "Compilation failed due to large activation tensors in model.",
    "internal": "Internal compiler error. Aborting! ",
    "no_reason": "",
    "stub_of_failure": "",
}


def main():
    parser = argparse.ArgumentParser()
    for flag in "-s", "-d", "-a":
        parser.add_argument(flag, action="store_true")
    for flag in "-o", "-m", "-t", "-n", "-k":
        parser.add_argument(flag)
    parser.add_argument("file", type=Path)
    settings = parser.parse_args()
    case, seen = os.environ["STAND_IN"], Path(os.environ["STAND_IN_SEEN"])
    calls = json.loads(seen.read_text())["calls"] + 1 if seen.exists() else 1
    seen.write_text(json.dumps({"arguments": sys.argv[1:], "calls": calls}))
    if case == "internal_once":
        case = "internal" if calls == 1 else "success"
    print("Edge TPU Compiler version 16.0.384591198", flush=True)
    print(f"Started a compilation timeout timer of {settings.t} seconds.", flush=True)
    if case == "hang":
        child = subprocess.Popen(["sleep", "120"])
        seen.with_suffix(".pids").write_text(f"{os.getpid()} {child.pid}")
        time.sleep(120)
    if case == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if case == "crash_of_the_child":
        sys.exit(128 + signal.SIGSEGV)
    if case in WORDS:
        fail(case, settings)
    succeed(case, settings)


def fail(case, settings):
    print(WORDS[case].format(file=settings.file))
    if case in ("stub_of_failure", "no_reason"):
        (Path(settings.o) / f"{settings.file.stem}_edgetpu.tflite").write_bytes(bytes(1000))
    print("Compilation child process completed within timeout period.")
    print("Compilation failed! ")
    sys.exit(1)


def succeed(case, settings):
    names = operators(settings.file)
    print("\nModel compiled successfully in 42 ms.\n")
    if settings.n:
        half = len(names) // 2
        parts = [names[:half], names[half:]]
        assert settings.n == "2"
        for number, part in enumerate(parts):
            write(case, settings, f"{settings.file.stem}_segment_{number}_of_2", part)
    else:
        write(case, settings, settings.file.stem, names)
    print("Compilation child process completed within timeout period.")
    print("Compilation succeeded! ")


def operators(file):
    from ai_edge_litert import schema_py_generated as schema  # here, so that a hang begins at once

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    model = schema.ModelT.InitFromPackedBuf(bytearray(file.read_bytes()))
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    return [names[codes[operator.opcodeIndex]] for operator in model.subgraphs[0].operators]


def write(case, settings, stem, names):
    from small_tflite import compiled

    left = {"nothing": names, "partial": names[-2:]}.get(case, [])
    rows = [(name, count, MAPPED) for name, count in Counter(names[: len(names) - len(left)]).items()] + [
        (name, count, LEFT) for name, count in Counter(left).items()
    ]
    output = Path(settings.o) / f"{stem}_edgetpu.tflite"
    content = {
        "nothing": settings.file.read_bytes(),
        "foreign": settings.file.read_bytes(),
        "stub": bytes(1000),
    }.get(case, compiled(left))
    if case != "no_file":
        output.write_bytes(content)
    print(f"Input model: {settings.file}")
    print(f"Input size: {size(settings.file.stat().st_size)}")
    print(f"Output model: {output}")
    print(f"Output size: {size(len(content))}")
    print("On-chip memory used for caching model parameters: 61.50KiB")
    print("On-chip memory remaining for caching model parameters: 7.62MiB")
    streamed = "1.25MiB" if case == "streaming" else "0.00B"
    print(f"Off-chip memory used for streaming uncached model parameters: {streamed}")
    print(f"Number of Edge TPU subgraphs: {0 if case == 'nothing' else 1}")
    print(f"Total number of operations: {len(names)}")
    print(f"Operation log: {output.with_suffix('.log')}")
    if left:
        print(
            "\nModel successfully compiled but not all operations are supported by the Edge TPU. A "
            "percentage of the model will instead run on the CPU, which is slower. If possible, consider "
            "updating your model to use only operations supported by the Edge TPU. For details, visit "
            "g.co/coral/model-reqs."
        )
        print(f"Number of operations that will run on Edge TPU: {len(names) - len(left)}")
        print(f"Number of operations that will run on CPU: {len(left)}")
    table = "\n".join(
        ["", f"{'Operator':31}{'Count':11}Status", "", *(f"{n:31}{c:<11}{s}" for n, c, s in rows), ""]
    )
    output.with_suffix(".log").write_text(f"Edge TPU Compiler version 16.0.384591198\n{table}")
    print(table if settings.s else "See the operation log file for individual operation details.")


def size(count):
    return f"{count / 2**10:.2f}KiB" if count < 2**20 else f"{count / 2**20:.2f}MiB"


main()
