"""Options shared by several commands."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from kerascnn.cli.names import Form, Name, NamedOption, RunFolder, norms, registered, variants

NO_AUGMENT = f"{__name__}.no_augment"
AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])

HEADS = registered("kerascnn.models.heads:heads")
MODELS = registered("kerascnn.models.family:families")
SOURCES = registered("kerascnn.data.sources.registry:sources")
SCHEMES = registered("kerascnn.tflite.quantization.schemes:schemes")


def whole(text: str) -> int | str:
    """Return a number; the library refuses any other text in one line."""
    return int(text) if re.fullmatch("-?[0-9]{1,18}", text) else text


class Numbers(click.ParamType[tuple[int, ...]]):
    """Positive whole numbers separated by commas."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers."""
        try:
            return tuple(int(number) for number in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of whole numbers like 512,256.", param, ctx)


class Parts(Name):
    """``all``, ``none``, or augmentations separated by commas."""

    def __init__(self) -> None:
        super().__init__(registered("kerascnn.data.augmentation:PARTS"), several=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text if it names augmentations."""
        from kerascnn.data.augmentation import PARTS

        if value not in ("all", "none") and {name.strip() for name in value.split(",")} - PARTS.keys():
            self.fail(
                f"{value!r} is not all, none, or some of {', '.join(PARTS)} with commas. (MODEL comes "
                "before --augment.)",
                param,
                ctx,
            )
        return str(value)


def _formats(given: tuple[str, ...]) -> list[str]:
    from kerascnn.studies.report.formats import FORMATS

    return [name.strip() for names in given for name in names.split(",")] or list(FORMATS)


def _unless_off(context: click.Context, given: str | None) -> str | None:
    """Return the value of ``--augment``, or ``none`` for ``--no-augment``."""
    if not context.meta.get(NO_AUGMENT):
        return given
    context.set_parameter_source("augment", ParameterSource.COMMANDLINE)
    return "none"


#: A source's name, or a folder.
SOURCE = Name(SOURCES, otherwise="dir")
data = click.option(
    "--data",
    cls=NamedOption,
    type=SOURCE,
    default="digits",
    show_default=True,
    metavar="SOURCE",
    help="NAMES, or a folder with a folder of images for each class.",
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with the source's original files (MNIST: four IDX files; CIFAR: an archive), or where a "
    "run's photos are now.",
)
runs_dir = click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="DIR",
    help="Folder that holds the runs.",
)

formats = click.option(
    "--format",
    "formats",
    cls=NamedOption,
    type=Name(registered("kerascnn.studies.report.formats:FORMATS"), several=True),
    multiple=True,
    callback=lambda context, option, given: _formats(given),
    help="NAMES; repeatable, or several with commas.  [default: all]",
)
open_page = click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
overwrite_files = click.option(
    "--overwrite", is_flag=True, help="Also replace files that kerascnn did not write."
)
skip_bad_files = click.option("--skip-bad-files", is_flag=True, help="Leave out damaged images.")
augment = click.option(
    "--augment",
    type=Parts(),
    is_flag=False,
    flag_value="all",
    metavar="[PARTS]",
    callback=lambda context, option, given: _unless_off(context, given),
    help="Augment training images: alone as is usual for the source, or flip, shift, crop, rotate "
    "and zoom, with commas.",
)
# Not the same option's other name: click cannot give one that and a value that may be missing.
no_augment = click.option(
    "--no-augment",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, option, given: context.meta.update({NO_AUGMENT: given}),
    help="Do not augment training images.",
)

_FOREIGN = (
    click.option(
        "--input-range",
        metavar="A..B",
        help="Input range of a model of another program (values of black and white): 0..1, -1..1 or 0..255.  "
        "[default: what the file says]",
    ),
    click.option(
        "--labels",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Class names of such a model, one per line.  [default: what the file says]",
    ),
)

_NETWORK = (
    click.option("--variant", cls=NamedOption, type=Form(variants), help="Variant of the model. NAMES."),
    click.option("--norm", cls=NamedOption, type=Form(norms), help="Normalization layers. NAMES."),
    click.option("--head-units", type=Numbers(), metavar="N,N", help="Units of the head's hidden layers."),
    click.option("--image-size", type=int, metavar="N", help="Side of the square input in pixels."),
    click.option(
        "--channels", type=int, metavar="N", help="Channels of the input: 1 for grey, 3 for colour."
    ),
    click.option(
        "--classes", type=int, metavar="N", help="Number of classes; in training, those of the data."
    ),
)


_TRAINING = (
    click.option(
        "--head", cls=NamedOption, type=Name(HEADS), default="fc", show_default=True, help="Head: NAMES."
    ),
    data,
    data_dir,
    skip_bad_files,
    click.option(
        "--weights",
        type=RunFolder(),
        metavar="RUN",
        help="Run to take the backbone's weights from, and the head's if it is the same.",
    ),
    click.option(
        "--recipe",
        cls=NamedOption,
        type=Name(registered("kerascnn.training.recipes:RECIPES")),
        help="Recipe for the settings that are not given: NAMES.",
    ),
    click.option("--epochs", type=int, metavar="N", help="Passes over the training images."),
    click.option("--batch-size", type=int, metavar="N", help="Images per training step."),
    augment,
    no_augment,
    click.option("--class-weights", is_flag=True, help="Weight classes so that each counts the same."),
    click.option("--optimizer", help="Optimizer: adam, sgd or rmsprop."),
    click.option(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help="Peak learning rate, reached after a tenth of the steps.",
    ),
    click.option("--schedule", help="Learning rate after the peak: cosine, linear or constant."),
    click.option("--weight-decay", type=float, metavar="RATE", help="Decoupled weight decay."),
    click.option(
        "--label-smoothing", type=float, metavar="SHARE", help="Share of each label spread over all classes."
    ),
    click.option(
        "--ema",
        type=float,
        metavar="MOMENTUM",
        help="Momentum of a moving average of the weights; the average is saved.",
    ),
    click.option("--clip-norm", type=float, metavar="NORM", help="Largest global norm of the gradients."),
    click.option("--patience", type=int, metavar="N", help="Stop after N epochs without improvement."),
    click.option("--seed", type=int, default=1, show_default=True, help="Random seed."),
    click.option(
        "--cache-mb",
        type=int,
        metavar="N",
        help="MiB of memory for a folder's decoded images.  [default: 2048 or less]",
    ),
    click.option("--threads", type=int, metavar="N", help="CPU threads.  [default: all]"),
    click.option("--backend", help="Backend: tensorflow or jax.  [default: tensorflow]"),
    click.option("--device", default="auto", show_default=True, help="Device: auto, cpu, gpu or gpu:N."),
    click.option("--precision", help="Precision of the training: float32, mixed_bfloat16 or mixed_float16."),
    click.option("--jit/--no-jit", default=None, help="Compile with XLA.  [default: on GPUs and on JAX]"),
    click.option("--deterministic", is_flag=True, help="Make training on a GPU bit-for-bit repeatable."),
    click.option("--tensorboard", is_flag=True, help="Write scalars and images for TensorBoard."),
    runs_dir,
    click.option("--name", help="Name of the run's folder."),
    click.option(
        "--overwrite", is_flag=True, help="Replace a run of that name once the new one is complete."
    ),
)


_TOGETHER = (
    click.option("--distribute", is_flag=True, help="Train on several GPUs or hosts; needs --backend jax."),
    click.option(
        "--coordinator",
        metavar="HOST:PORT",
        help="Address of process 0; not needed on a cluster that JAX knows.",
    ),
    click.option("--processes", type=int, metavar="N", help="Number of processes in the training."),
    click.option("--process-index", type=int, metavar="N", help="Index of this process, from 0."),
)


def foreign(command: AnyCommand) -> AnyCommand:
    """Add the options that describe a model of another program."""
    return _with(_FOREIGN, command)


def network(command: AnyCommand) -> AnyCommand:
    """Add the options that describe a network besides its model and head."""
    return _with(_NETWORK, command)


def training(command: AnyCommand) -> AnyCommand:
    """Add the options with the settings of a training."""
    return _with(_TRAINING, command)


def together(command: AnyCommand) -> AnyCommand:
    """Add the options of distributed training."""
    return _with(_TOGETHER, command)


def given(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that the user gave on the command line."""
    source = click.get_current_context().get_parameter_source
    return {name: value for name, value in settings.items() if source(name) is not ParameterSource.DEFAULT}


def flags(names: Iterable[str]) -> str:
    """Return options as they are typed: ``--fail-if, --format``."""
    typed = {option.name: option.opts[0] for option in click.get_current_context().command.params}
    return ", ".join(typed[name] for name in names)


def _with(added: tuple[Callable[..., Any], ...], command: AnyCommand) -> AnyCommand:
    for option in reversed(added):
        command = option(command)
    return command
