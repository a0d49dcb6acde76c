"""The contestants: who runs, in which files, and what a file has to offer.

To add one, give it a line in ``CONTESTANTS`` and write ``contestants/<module>.py`` with a function

``prepare(work: Work, data: Data) -> Fresh``

which makes ready what may be ready before the clock starts. Calling what it returns puts the first
parameters back and gives a ``Run``. ``prepare_many``, of the same form, trains all networks of a
workload at once; who has none trains them one after the other.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import machine

Share = Mapping[str, int]

TRAININGS = ("W1", "W2", "W3", "W4")


@dataclass(frozen=True)
class Contestant:
    """Who runs: the file, the packages that must be there, and a word on the way.

    ``does`` maps each workload to the share of it that is done, such as {"epochs": 500}, of which
    {} is all. ``own_order``: it shuffles by itself. ``one_by_one``: networks are trained one after
    the other though it could do many. ``learns=False`` makes it a mark beside the contestants, of
    which no proof is asked. ``lacks`` tells what a workload needs and the installed version does
    not have.
    """

    module: str
    packages: tuple[str, ...]
    note: str
    does: Mapping[str, Share]
    options: Mapping[str, Any] = field(default_factory=dict)
    own_order: bool = False
    one_by_one: bool = False
    learns: bool = True
    lacks: Callable[[str], str | None] = lambda workload: None

    def load(self) -> ModuleType:
        """Import the contestant's file, and with it the library."""
        return importlib.import_module(f"contestants.{self.module}")


def missing(who: Contestant, workload: str) -> str | None:
    """Why the contestant cannot take part here, in a few words; None if it can."""
    absent = [package for package in who.packages if machine.version(package) is None]
    if absent:
        return f"pip install {' '.join(absent)}"
    return who.lacks(workload)


def lacks_many(workload: str) -> str | None:
    """Training many networks at once, for W8."""
    import chainrule

    return None if workload != "W8" or hasattr(chainrule, "fit_many") else "no fit_many yet"


def lacks_xla(workload: str) -> str | None:
    """The engine that compiles."""
    from chainrule.engine import PROGRAMS

    return None if "xla" in PROGRAMS else "no engine xla yet"


def whole(*names: str, **shares: Share) -> dict[str, Share]:
    """Workloads done as they are, and those of which a share is done."""
    everything: dict[str, Share] = {name: {} for name in names}
    return everything | shares


CONTESTANTS = {
    "chainrule": Contestant(
        "chainrule_net",
        ("chainrule",),
        "fit",
        whole(*TRAININGS, "W5", "W6", "W7", "W8"),
        lacks=lacks_many,
    ),
    "chainrule-singly": Contestant(
        "chainrule_net",
        ("chainrule",),
        "fit, one by one",
        whole(W8={"networks": 16}),
        one_by_one=True,
    ),
    "chainrule-reference": Contestant(
        "chainrule_net",
        ("chainrule",),
        'engine="reference"',
        whole("W2", "W4", W1={"epochs": 2000}),
        {"engine": "reference"},
    ),
    "chainrule-xla": Contestant(
        "chainrule_net",
        ("chainrule",),
        'engine="xla", compiled before',
        whole(*TRAININGS, "W8"),
        {"engine": "xla"},
        own_order=True,
        lacks=lacks_xla,
    ),
    "numpy": Contestant(
        "numpy_tutorial",
        ("numpy",),
        "by hand, as tutorials have it",
        whole(*TRAININGS, "W5", "W6", "W8"),
    ),
    "torch": Contestant(
        "torch_net", ("torch",), "eager", whole(*TRAININGS, "W5", "W6", "W7", "W8")
    ),
    "torch-singly": Contestant(
        "torch_net", ("torch",), "eager, one by one", whole(W8={"networks": 4}), one_by_one=True
    ),
    "torch-fused": Contestant(
        "torch_net", ("torch",), "eager, fused Adam", whole("W3", "W4"), {"fused": True}
    ),
    "torch-compile": Contestant(
        "torch_net",
        ("torch",),
        "torch.compile, fused optimizer",
        whole(*TRAININGS),
        {"fused": True, "compiled": True},
    ),
    "sklearn": Contestant(
        "sklearn_mlp",
        ("scikit-learn",),
        "MLPClassifier.fit",
        whole(*TRAININGS, "W5", "W6", W8={"networks": 8}),
        own_order=True,
    ),
    "jax": Contestant("jax_net", ("jax",), "a jitted step", whole(*TRAININGS, "W6", "W7")),
    "jax-scan": Contestant(
        "jax_net",
        ("jax",),
        "jitted scan over the steps",
        whole(*TRAININGS, "W5", "W8"),
        {"scan": True},
    ),
    "flax": Contestant(
        "flax_net",
        ("flax", "optax", "jax"),
        "nnx.jit step, Optax",
        whole("W2", "W3", "W4", "W5", "W6", W1={"epochs": 2000}),
    ),
    "equinox": Contestant(
        "equinox_net",
        ("equinox", "optax", "jax"),
        "filter_jit step, Optax",
        whole("W2", "W3", "W4", "W5", "W6", W1={"epochs": 2000}),
    ),
    "keras": Contestant(
        "keras_net",
        ("keras", "jax"),
        "fit, on JAX",
        whole("W2", "W3", "W4", "W5", "W6"),
        own_order=True,
    ),
    "mygrad": Contestant(
        "mygrad_net",
        ("mygrad",),
        "tensors and backward",
        whole("W2", "W3", "W4", "W5", "W6", "W7", W1={"epochs": 2000}),
    ),
    "autograd": Contestant(
        "autograd_net",
        ("autograd",),
        "value_and_grad",
        whole("W2", "W4", "W5", "W6", "W7", W1={"epochs": 2000}, W3={"steps": 100}),
    ),
    "dezero": Contestant(
        "dezero_net",
        ("dezero",),
        "Model and its optimizers",
        whole("W2", "W3", "W4", "W5", "W6", "W7", W1={"epochs": 2000}),
    ),
    "thinc": Contestant(
        "thinc_net",
        ("thinc",),
        "chain and finish_update",
        whole("W2", "W4", "W5", "W6", W3={"steps": 100}),
    ),
    "tinygrad": Contestant(
        "tinygrad_net",
        ("tinygrad",),
        "TinyJit step",
        whole("W5", "W6", W1={"epochs": 500}, W2={"steps": 100}, W3={"steps": 40},
              W4={"steps": 20}),
    ),
    "micrograd": Contestant(
        "micrograd_net", ("micrograd",), "a Value a number", whole("W7", W1={"epochs": 100})
    ),
    "floor": Contestant(
        "floor",
        ("numpy",),
        "a mark: the products alone",
        whole(*TRAININGS, "W5", "W6", "W7", "W8"),
        learns=False,
    ),
}  # fmt: skip

#: Where a contestant's general note does not tell what it does here.
NOTES = {
    ("floor", "W1"): "a mark: the whole training in C (gcc -Ofast)",
    ("floor", "W5"): "a mark: Python, NumPy and the data, no network",
    ("floor", "W7"): "a mark: the NumPy calls alone, derivatives by hand",
    ("floor", "W8"): "a mark: the whole training in C (gcc -Ofast), eight networks abreast",
    ("chainrule", "W6"): "predict",
    ("chainrule", "W7"): "tensor and backward",
    ("chainrule", "W8"): "fit_many",
    ("numpy", "W8"): "by hand, all networks in one stack",
    ("torch", "W7"): "backward",
    ("torch", "W8"): "eager, all networks in one stack",
    ("sklearn", "W6"): "predict_proba",
    ("sklearn", "W8"): "MLPClassifier.fit, one by one",
    ("jax", "W6"): "a jitted function",
    ("jax", "W7"): "vjp, op after op, nothing compiled together",
    ("jax-scan", "W8"): "jitted scan over the steps, vmap over the networks",
    ("keras", "W6"): "on JAX: one row by calling, many by predict",
    ("autograd", "W7"): "make_vjp",
}
