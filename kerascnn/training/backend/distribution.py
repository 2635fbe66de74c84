"""Distributed training: joining the processes of one training and leaving them.

Every process runs the same program on the same data; XLA divides each step over the devices of all of them.
"""

import hashlib
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kerascnn.foundation.errors import KerasCnnError, UsageError, first_line
from kerascnn.foundation.settings import Settings
from kerascnn.training.backend.lost_process import (
    OTHERS_LOST,
    Lost,
    abort_is_told,
    exit_without_the_others,
    means_others_are_gone,
)

BETWEEN_ATTEMPTS = 0.2  # seconds
FINISHING = 86_400  # seconds that processes without a run to write wait for the one that writes it


class Distribution(Settings):
    """The address and ranks of a distributed training; if all are ``None``, JAX asks the cluster, if any.

    Attributes:
        coordinator: ``host:port`` of process 0, as the others reach it.
        processes: How many take part.
        process_index: Which of them this is, from 0.
        join_seconds: How long they wait for each other at the start.
    """

    coordinator: str | None = None
    processes: int | None = Field(default=None, ge=1)
    process_index: int | None = Field(default=None, ge=0)
    join_seconds: int = Field(default=300, ge=1)

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ, **options: Any) -> Self:
        """Return the settings: each an option or, if that is ``None``, the variable ``KERASCNN_<OPTION>``.

        Raises:
            UsageError: Some of coordinator, processes and process_index are given and others not, or one
                makes no sense.
        """
        variables = {name: environment.get(f"KERASCNN_{name.upper()}") for name in cls.model_fields}
        given = variables | {name: value for name, value in options.items() if value is not None}
        asked = cls(**{name: value for name, value in given.items() if value is not None})
        asked.require_place()
        return asked

    @property
    def is_named(self) -> bool:
        """Whether the address is given, not left to JAX."""
        return self.coordinator is not None

    def require_place(self) -> None:
        """Check that address, count and rank are all given.

        Raises:
            UsageError: Some of coordinator, processes and process_index are given and others not, or one
                makes no sense.
        """
        place = {name: getattr(self, name) for name in ("coordinator", "processes", "process_index")}
        lacking = [name for name, value in place.items() if value is None]
        if 0 < len(lacking) < len(place):
            raise UsageError(
                "A distributed training needs coordinator, processes and process_index together, or none "
                f"of them on a cluster. Missing: {', '.join(lacking)}"
            )
        if self.coordinator is None or self.processes is None or self.process_index is None:
            return
        if self.process_index >= self.processes:
            raise UsageError(
                f"process_index counts from 0 and must be below processes={self.processes}. "
                f"Received: process_index={self.process_index}"
            )
        host, _, port = self.coordinator.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise UsageError(f"coordinator must be host:port. Received: coordinator={self.coordinator!r}")


@dataclass(frozen=True)
class Team:
    """The processes of one training, as one of them sees it; without distribution there is only one.

    Attributes:
        index: Index of this process.
        processes: How many there are.
        devices: Number of devices of all processes; each has the same number.
    """

    index: int = 0
    processes: int = 1
    devices: int = 1

    @property
    def is_writer(self) -> bool:
        """Whether this process writes the run."""
        return self.index == 0

    def part(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Return this process's rows of a batch that all processes know.

        Args:
            batch: Shape (n, ...). Where n is no multiple of the devices, rows from its beginning fill it up;
                :class:`kerascnn.training.backend.sharding.Joined` takes them off again.
        """
        rows = -(-len(batch) // self.devices) * self.devices
        mine = np.arange(rows).reshape(self.processes, -1)[self.index]
        part: NDArray[Any] = batch[mine % len(batch)]
        return part

    def from_writer(self, arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the writer's arrays bit for bit; called by all processes together.

        Args:
            arrays: Each process's own, of the same shapes and types; only the writer's values count.
        """
        if self.processes == 1:
            return arrays
        from jax.experimental import multihost_utils

        own = np.frombuffer(b"".join(array.tobytes() for array in arrays), np.uint8)
        sent = np.asarray(multihost_utils.broadcast_one_to_all(own))
        parts = np.split(sent, np.cumsum([array.nbytes for array in arrays])[:-1])
        return [
            np.frombuffer(part.tobytes(), array.dtype).reshape(array.shape)
            for part, array in zip(parts, arrays, strict=True)
        ]

    def check_same(self, what: str, text: str) -> None:
        """Check that every process has the same text; called by all processes together.

        Raises:
            KerasCnnError: This process's differs from the writer's.
        """
        own = np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8)
        if not np.array_equal(self.from_writer([own])[0], own):
            raise KerasCnnError(
                f"Process {self.index} has other {what} than process 0. Run the same command with the same "
                "files on each host."
            )


ALONE = Team()


@contextmanager
def joined(asked: Distribution, *, lost: Lost | None = None) -> Iterator[Team]:
    """Join the other processes; inside the block Keras distributes over all devices.

    Models, their loading and their compilation belong inside: a variable made before stays on one device. A
    process joins once in its life. One that fails does not wait for the others when it exits; they notice
    within seconds.

    Args:
        asked: The requested distribution.
        lost: Called instead of the process's abort when another process is lost while this one waits for it.

    Raises:
        UsageError: Keras runs on another backend, or there is one device only.
        KerasCnnError: The coordinator does not answer, or another process ended before its time.
    """
    import keras

    from kerascnn.training.backend.sharding import BatchParallel

    if keras.config.backend() != "jax":
        raise UsageError(
            "A distributed training needs the jax backend: Keras 3 does not train under TensorFlow's "
            f"MultiWorkerMirroredStrategy. Received: backend={keras.config.backend()}"
        )
    with abort_is_told(lost) as phase:
        phase.reason = _absent(asked)
        team = _meet(asked)
        phase.reason = OTHERS_LOST
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(BatchParallel(auto_shard_dataset=False))
        try:
            yield team
            _leave(team)
        except BaseException as error:
            if team.processes > 1:
                exit_without_the_others(error)
            if means_others_are_gone(error):
                raise KerasCnnError(OTHERS_LOST) from error
            raise
        finally:
            keras.distribution.set_distribution(before)


def _absent(asked: Distribution) -> str:
    if not asked.is_named:
        return (
            f"Not all processes of the cluster connected within {asked.join_seconds} s. "
            "Run the same command in each of them."
        )
    if asked.process_index == 0:
        return (
            f"Not all of the {asked.processes} processes connected to {asked.coordinator} within "
            f"{asked.join_seconds} s. Run the same command on each host, each with its own process_index."
        )
    return (
        f"The coordinator {asked.coordinator} did not answer within {asked.join_seconds} s, or not all of "
        f"the {asked.processes} processes connected. Start process 0 on that host, and open the port."
    )


def _meet(asked: Distribution) -> Team:
    import jax

    place: dict[str, Any] = {}
    if asked.is_named:
        place = {
            "coordinator_address": asked.coordinator,
            "num_processes": asked.processes,
            "process_id": asked.process_index,
        }
        if asked.process_index:
            _wait_for_coordinator(asked)
    try:
        jax.distributed.initialize(
            **place, initialization_timeout=asked.join_seconds, shutdown_timeout_seconds=FINISHING
        )
    except ValueError:
        if asked.is_named:
            raise
        # no cluster: the devices of this process, if there are several
    except RuntimeError as error:
        raise KerasCnnError(f"This process could not join the training: {first_line(error)}.") from error
    team = Team(jax.process_index(), jax.process_count(), jax.device_count())
    if team.devices == 1:
        raise UsageError(
            f"There is only one process with one device ({jax.devices()[0].platform})"
            ". Give coordinator, processes and process_index, or train without distribution."
        )
    if team.devices != jax.local_device_count() * team.processes:
        raise UsageError(
            f"Every process needs the same number of devices. This one has {jax.local_device_count()} of "
            f"{team.devices} in {team.processes} processes."
        )
    with _native_stdout_on_stderr():  # the first exchange connects them, and Gloo reports that
        team.check_same("number of processes", str(asked.processes))
    return team


def _wait_for_coordinator(asked: Distribution) -> None:
    assert asked.coordinator is not None
    host, _, port = asked.coordinator.rpartition(":")
    until = time.monotonic() + asked.join_seconds
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > until:
                raise KerasCnnError(f"{_absent(asked)} ({error.strerror or error})") from error
            time.sleep(BETWEEN_ATTEMPTS)


def _leave(team: Team) -> None:
    """Wait for every process, then disconnect."""
    if team.processes > 1:
        import jax

        jax.distributed.shutdown()


@contextmanager
def _native_stdout_on_stderr() -> Iterator[None]:
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
