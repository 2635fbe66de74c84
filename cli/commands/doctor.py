"""``kerascnn doctor``."""

from typing import TYPE_CHECKING

import click

from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display, facts, table
from kerascnn.foundation.errors import MissingError

if TYPE_CHECKING:
    from kerascnn.workflows.doctor import Health


@click.command(cls=Command, example="kerascnn doctor")
@click.option(
    "--load",
    is_flag=True,
    help="Also load TensorFlow, which takes seconds, and name the device it trains on.",
)
def doctor(load: bool, as_json: bool) -> None:
    """Check what kerascnn needs on this machine and what is missing.

    Names the line that installs it.
    """
    from kerascnn.workflows.doctor import doctor as examine

    if load:
        click.echo("loading TensorFlow", err=True)
    health = examine(load=load)
    display(health, as_json=as_json, text=_text)
    if not health.ok:
        lacking = ", ".join(check.name for check in health.checks if check.state == "problem")
        raise MissingError(
            f"This machine is not ready for kerascnn: {lacking}. The lines above say what to do."
        )


def _text(health: "Health") -> str:
    rows = [[check.name, check.state, check.detail] for check in health.checks]
    fixes = {check.name: check.fix for check in health.checks if check.fix}
    return "\n\n".join([table(["", "state", ""], rows, left=3), *([facts(fixes)] if fixes else [])])
