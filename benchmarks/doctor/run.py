"""How well the doctor does on programs with one known fault, and on healthy ones.

    python benchmarks/doctor/run.py --half tuning --sample 100 --processes 2
    python benchmarks/doctor/run.py --half held-out --faults zero_weights,wrong_sign --hosts mnist

Trains every program, hands it to ``cr.diagnose``, tries the first repair and prints Markdown.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import click

# Before NumPy is loaded: with so few numbers, threads only get in each other's way.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# As a script it stands inside its own package.
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402

import chainrule as cr  # noqa: E402
from doctor.faults import FAULTS  # noqa: E402
from doctor.handfaults import HAND_FAULTS  # noqa: E402
from doctor.handodd import HAND_ODD  # noqa: E402
from doctor.hosts import HELD_OUT, HOSTS, TUNING, present  # noqa: E402
from doctor.odd import ODD  # noqa: E402
from doctor.programs import BY_HAND, NETWORK, Mark, Spec, marked, specs  # noqa: E402
from doctor.table import misses, table  # noqa: E402

#: Programs between two lines of progress.
EVERY = 50
KINDS = tuple(dict.fromkeys([*FAULTS, *HAND_FAULTS, *ODD, *HAND_ODD]))


def sampled(every: Sequence[Spec], count: int, seed: int) -> list[Spec]:
    """About ``count`` faulty programs and as many healthy ones; each kind as often as others."""
    rng = np.random.default_rng(seed)
    chosen: list[Spec] = []
    for is_fault in (True, False):
        piles: dict[tuple[str, str], list[Spec]] = {}
        for i in rng.permutation(len(every)):
            if every[i].is_fault == is_fault:
                piles.setdefault((every[i].side, every[i].kind), []).append(every[i])
        left = [piles[key] for key in sorted(piles)]
        picked: list[Spec] = []
        while left and len(picked) < count:
            picked += [pile.pop() for pile in left]
            left = [pile for pile in left if pile]
        chosen += picked[:count] if len(picked) > count and count < len(piles) else picked
    return chosen


def results(chosen: Sequence[Spec], processes: int, doctor: bool, cures: bool) -> Iterator[Mark]:
    """The marks as they come; programs of one host lie together, so that twins are trained once."""
    ordered = sorted(chosen, key=lambda s: (s.host, s.activation, s.seed))
    if processes == 1:
        for spec in ordered:
            yield marked(spec, doctor, cures)
        return
    with ProcessPoolExecutor(processes) as pool:
        waiting = [pool.submit(marked, spec, doctor, cures) for spec in ordered]
        for done in as_completed(waiting):
            yield done.result()


def kept(path: Path) -> list[Mark]:
    """The marks in a file of JSON lines."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        told = json.loads(line)
        lists = {name: tuple(told[name]) for name in ("right", "names")}
        found.append(Mark(**(told | lists | {"spec": Spec(**told["spec"])})))
    return sorted(found, key=lambda mark: KINDS.index(mark.spec.kind))


def _listed(known: Sequence[str]) -> click.ParamType:
    class Listed(click.ParamType):
        name = "names"

        def convert(self, value: object, param: object, ctx: object) -> tuple[str, ...]:
            names = tuple(value.split(",")) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]
            for name in names:
                if name not in known:
                    self.fail(f"{name!r} is not known. Known: {', '.join(known)}")
            return names

    return Listed()


@click.command()
@click.option("--half", type=click.Choice([TUNING, HELD_OUT]), default=TUNING, show_default=True)
@click.option("--faults", "kinds", type=_listed(KINDS), default=(), help="Kinds, with commas.")
@click.option("--hosts", type=_listed(tuple(HOSTS)), default=(), help="Hosts, with commas.")
@click.option("--sides", type=_listed((NETWORK, BY_HAND)), default=(), help="Networks or by hand.")
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(1, 5))
@click.option("--sample", type=click.IntRange(min=1), help="So many faulty and healthy programs.")
@click.option("--sample-seed", default=0, show_default=True, help="Another seed, another sample.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(min=1))
@click.option("--doctor/--no-doctor", default=None, help="Only train and grade the programs.")
@click.option("--cures/--no-cures", default=True, help="Apply the repairs and train again.")
@click.option("--out", type=click.Path(path_type=Path), help="Add every mark here, as a JSON line.")
@click.option("--read", type=click.Path(path_type=Path), help="Only the table of marks kept so.")
@click.option("--misses", "misses_file", type=click.Path(path_type=Path), help="Write misses here.")
def main(
    half: str, kinds: tuple[str, ...], hosts: tuple[str, ...], sides: tuple[str, ...], seeds: int,
    sample: int | None, sample_seed: int, processes: int, doctor: bool | None, cures: bool,
    out: Path | None, read: Path | None, misses_file: Path | None,
) -> None:  # fmt: skip
    """Mark the doctor on programs with a known fault and on healthy ones."""
    if read is not None:
        click.echo("\n".join(table(kept(read))))
        return
    began = time.perf_counter()
    if doctor is None:
        doctor = hasattr(cr, "diagnose")
    chosen = specs(half, kinds=kinds, hosts=hosts, sides=sides, seeds=seeds)
    whole = len(chosen)
    if sample is not None:
        chosen = sampled(chosen, sample, sample_seed)
    marks: list[Mark] = []
    for mark in results(chosen, processes, doctor, cures):
        marks.append(mark)
        if out is not None:  # as they come, so that a run that is ended has not been in vain
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(dataclasses.asdict(mark)) + "\n")
        if len(marks) % EVERY == 0:
            click.echo(f"{len(marks)} of {len(chosen)} programs", err=True)
    order = {spec: i for i, spec in enumerate(chosen)}
    marks.sort(key=lambda mark: order[mark.spec])
    if misses_file is not None:
        misses_file.write_text("\n".join(misses(marks)) + "\n", "utf-8")
    for line in table(marks):
        click.echo(line)
    absent = [name for name in HOSTS if name not in present()]
    seconds = time.perf_counter() - began
    click.echo(
        f"\nThe {half} half: {len(chosen)} of {whole} programs, {seconds:.0f} s."
        + (f" Not on this machine: {', '.join(absent)}." if absent else "")
        + ("" if doctor else " The doctor was not asked.")
    )


if __name__ == "__main__":
    main()
