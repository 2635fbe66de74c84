"""``kerascnn doctor``."""

import click

from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display
from kerascnn.foundation.errors import MissingError


@click.command(cls=Command, example="kerascnn doctor")
@click.option(
    "--load",
    is_flag=True,
    help="Also load TensorFlow (takes seconds) and show the training device.",
)
def doctor(load: bool, as_json: bool) -> None:
    """Check what kerascnn needs on this machine and what is missing.

    Prints the command that fixes each problem.
    """
    from kerascnn.workflows.doctor import doctor as examine

    if load:
        click.echo("loading TensorFlow", err=True)
    health = examine(load=load)
    display(health, as_json=as_json)
    if not health.ok:
        lacking = ", ".join(check.name for check in health.checks if check.state == "problem")
        raise MissingError(
            f"This machine is not ready for kerascnn: {lacking}. See the lines above for what to do."
        )
