"""Where a process stands: from options, from variables, from a scheduler."""

from __future__ import annotations

from typing import Any

import pytest

from chainrule.distributed.place import Place, cluster_place, place
from chainrule.errors import OptionError

SLURM = {
    "SLURM_JOB_ID": "5000",
    "SLURM_STEP_NODELIST": "node[03-06,09]",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "2",
    "SLURM_LOCALID": "0",
    "SLURM_STEP_NUM_NODES": "4",
}
OPEN_MPI = {
    "OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911",
    "OMPI_COMM_WORLD_SIZE": "3",
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
}


def test_options_go_before_variables() -> None:
    variables = {
        "CHAINRULE_COORDINATOR": "node1:5123",
        "CHAINRULE_PROCESSES": "3",
        "CHAINRULE_PROCESS": "2",
    }
    assert place(environment=variables) == Place("node1:5123", 3, 2)
    assert place(process=1, environment=variables) == Place("node1:5123", 3, 1)
    assert place("[::1]:80", 2, 0, variables).address == ("::1", 80)
    assert place(environment={}) is None


WRONG: dict[str, tuple[tuple[Any, ...], str]] = {
    "only one": (("a:1", None, None), "processes and process must be known as well"),
    "no port": (("node1", 2, 0), "HOST:PORT, such as node1:5123 .*; got 'node1'"),
    "port 0": (("node1:0", 2, 0), "HOST:PORT"),
    "no number": (("node1:1", "two", 0), "processes is a whole number, got 'two'"),
    "from one": (("node1:1", 2, 2), "numbered from 0: process is 0 to 1 where there are 2; got 2"),
    "none": (("node1:1", 0, 0), "numbered from 0"),
}


@pytest.mark.parametrize(("given", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(given: tuple[Any, ...], told: str) -> None:
    with pytest.raises(OptionError, match=told):
        place(*given, environment={})


@pytest.mark.parametrize(
    ("variables", "found"),
    [(SLURM, ("node03:", 4, 2)), (OPEN_MPI, ("10.96.0.1:", 3, 1))],
    ids=["Slurm", "Open MPI"],
)
def test_schedulers_say_the_place(
    variables: dict[str, str], found: tuple[str, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    given = cluster_place()
    assert given.coordinator.startswith(found[0])
    assert (given.processes, given.process) == found[1:]


def test_without_a_scheduler_there_is_no_place_to_find(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SLURM, *OPEN_MPI):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OptionError, match=r"Slurm \(srun\) or Open MPI .*CHAINRULE_COORDINATOR"):
        cluster_place()
