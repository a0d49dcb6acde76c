"""One contestant in a process of its own: ``python measure.py ORDERS`` (JSON; see ``Orders``).

It makes itself ready, says so in a line of JSON, and then measures once for each line that it is
sent, answering with a line of JSON. Thread pools of two libraries in one process slow one another
down, and so do the leftovers of whoever ran before; hence one process each. It stays between its
turns, so that the import and the compiling are not to be done again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import machine


@dataclass(frozen=True)
class Orders:
    """What to do; ``contestant=None`` is for the reference."""

    workload: str
    contestant: str | None
    share: Mapping[str, int]
    threads: str
    data: str


def obey(orders: Orders) -> None:
    """Set up, then a turn for each line of the standard input."""
    # What libraries print is not to be mistaken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    import importlib

    from contestants import CONTESTANTS
    from workloads import WORKLOADS

    work = WORKLOADS[orders.workload]
    if orders.contestant is None:
        from reference import reference
        from work import Data

        found = reference(work.part(orders.share), Data.open(Path(orders.data)))
        answers.write(json.dumps(asdict(found)) + "\n")
        return
    kind = importlib.import_module(f"kinds.{work.kind}")
    turn = kind.setup(work, CONTESTANTS[orders.contestant], orders.share, Path(orders.data))
    answers.write("{}\n")
    for _ in sys.stdin:
        answers.write(json.dumps(asdict(turn())) + "\n")


if __name__ == "__main__":
    received = Orders(**json.loads(sys.argv[1]))
    machine.pin(received.threads)
    obey(received)
