"""Where a process stands in its group: who coordinates, how many there are, its number."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.errors import OptionError, optional_package

COORDINATOR = "CHAINRULE_COORDINATOR"
PROCESSES = "CHAINRULE_PROCESSES"
PROCESS = "CHAINRULE_PROCESS"
VARIABLES = (COORDINATOR, PROCESSES, PROCESS)
"""What the environment says of the place, if anything does."""

#: Seconds that JAX may take to ask a cluster where its first process is.
CLUSTER_SECONDS = 30


@dataclass(frozen=True)
class Place:
    """Process number ``process`` of ``processes``; number 0 listens at ``coordinator``."""

    coordinator: str
    processes: int
    process: int

    @property
    def address(self) -> tuple[str, int]:
        """The coordinator's host and port."""
        host, _, port = self.coordinator.rpartition(":")
        return host.strip("[]"), int(port)

    def name(self, process: int) -> str:
        """How errors call a process: ``process 1 of 3`` (they count from 0)."""
        return f"process {process} of {self.processes}"


def place(
    coordinator: str | None = None, processes: int | None = None, process: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Place | None:  # fmt: skip
    """The place that options say, else ``CHAINRULE_COORDINATOR``, ``_PROCESSES`` and ``_PROCESS``.

    None where neither says anything.

    Raises:
        OptionError: only some of the three are known, or one is not what it should be.
    """
    given: dict[str, Any] = {
        "coordinator": _first(coordinator, environment.get(COORDINATOR)),
        "processes": _first(processes, environment.get(PROCESSES)),
        "process": _first(process, environment.get(PROCESS)),
    }
    lacking = [name for name, value in given.items() if value is None]
    if len(lacking) == 3:
        return None
    if lacking:
        raise OptionError(
            f"to join a group, {' and '.join(lacking)} must be known as well. Give "
            "coordinator='HOST:PORT', processes=N and process=K (0 to N - 1), or set "
            f"{COORDINATOR}, {PROCESSES} and {PROCESS}."
        )
    return _checked(given["coordinator"], given["processes"], given["process"])


def cluster_place() -> Place:
    """The place that the scheduler of a cluster gave this process (Slurm, Open MPI and others).

    Found by JAX, which knows the variables that each scheduler sets.

    Raises:
        OptionError: nothing here says that a scheduler started this process.
    """
    clusters = optional_package("jax._src.clusters", "xla", "A group of processes")
    for kind in clusters.ClusterEnv._cluster_types:
        if not kind.opt_in_only_method and kind.is_env_present():
            return _checked(
                kind.get_coordinator_address(CLUSTER_SECONDS, None),
                kind.get_process_count(),
                kind.get_process_id(),
            )
    raise OptionError(
        "no scheduler seems to have started this process: the variables of Slurm (srun) or Open "
        f"MPI (mpirun) are not set. Elsewhere set {COORDINATOR}=HOST:PORT, {PROCESSES} and "
        f"{PROCESS}."
    )


def _first(option: Any, variable: str | None) -> Any:
    return variable if option is None else option


def _checked(coordinator: Any, processes: Any, process: Any) -> Place:
    host, _, port = str(coordinator).rpartition(":")
    if not host or not (port.isdigit() and 0 < int(port) < 65536):
        raise OptionError(
            f"the coordinator is HOST:PORT, such as node1:5123 or 127.0.0.1:5123; got "
            f"{coordinator!r}."
        )
    count, number = _whole("processes", processes), _whole("process", process)
    if not 0 <= number < count:
        raise OptionError(
            f"processes are numbered from 0: process is 0 to {max(count - 1, 0)} where there are "
            f"{count}; got {number}."
        )
    return Place(str(coordinator), count, number)


def _whole(name: str, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise OptionError(f"{name} is a whole number, got {value!r}.") from None
