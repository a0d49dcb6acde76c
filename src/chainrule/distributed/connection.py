"""JAX's own connection between the processes of a group, by which they exchange data."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.distributed.place import Place
from chainrule.errors import GroupError, optional_package

#: Seconds that JAX may take to let go at the end.
SHUTDOWN_SECONDS = 10
#: JAX's own watch would abort the process where ours says who is lost: it is told to wait a day.
A_DAY = 24 * 3600


def mesh_of_all() -> Any:
    """JAX's mesh over the devices of all processes, with the one axis "rows"."""
    jax = optional_package("jax", "xla", "A group of processes")
    return jax.sharding.Mesh(np.array(jax.devices()), ("rows",))


def connect(place: Place, seconds: float) -> None:
    """Connect JAX within so many seconds, and exchange a first number.

    Gloo, by which processors exchange data, greets on stdout at its first exchange: not for users.
    """
    jax = optional_package("jax", "xla", "A group of processes")
    # Else JAX takes SIGTERM for itself, and the process does not end.
    jax.config.update("jax_enable_preemption_service", False)
    jax.distributed.initialize(
        place.coordinator, place.processes, place.process,
        initialization_timeout=max(1, round(seconds)), heartbeat_timeout_seconds=A_DAY,
        shutdown_timeout_seconds=SHUTDOWN_SECONDS,
    )  # fmt: skip
    mesh, spec = mesh_of_all(), jax.sharding.PartitionSpec
    ones = np.ones(len(jax.local_devices()), np.float32)
    rows = jax.sharding.NamedSharding(mesh, spec("rows"))
    everywhere = jax.sharding.NamedSharding(mesh, spec())
    with _without_stdout():
        placed = jax.make_array_from_process_local_data(rows, ones)
        total = jax.jit(lambda x: x.sum(), out_shardings=everywhere)(placed)
        total.block_until_ready()


def disconnect() -> None:
    """End JAX's connection, when all others do."""
    optional_package("jax", "xla", "A group of processes").distributed.shutdown()


def refuse_late_joining() -> None:
    """Stop who has used JAX before joining.

    Raises:
        GroupError: JAX has looked for its devices.
    """
    bridge = optional_package("jax._src.xla_bridge", "xla", "A group of processes")
    if bridge.backends_are_initialized():
        raise GroupError(
            "join the group before anything runs on the XLA engine: JAX has looked for its devices "
            "already, and cannot take in those of other processes now."
        )


@contextmanager
def _without_stdout() -> Iterator[None]:
    """What C libraries write to stdout goes nowhere."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
