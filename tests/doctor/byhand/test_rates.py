"""The learning rate of a step: told where it is one, and no number where it is an optimizer's."""

from __future__ import annotations

from typing import Any

import pytest
from hand_programs import given

import chainrule as cr
from chainrule.doctor.byhand.given import program_of
from chainrule.doctor.byhand.prescriptions import another_rate
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.rates import rate_of, stated_rate

UPDATE = "p[name] -= 0.3 * g[name]"
STATE = ("first, second = Tanh(), Tanh()", "first, second = Tanh(), Tanh()\nm, v, t = {}, {}, [0]")
ADAM = (
    STATE,
    ("    for name in p:\n", "    t[0] += 1\n    for name in p:\n"),
    (UPDATE,
     "m[name] = 0.9 * m.get(name, 0) + 0.1 * g[name]\n"
     "        v[name] = 0.999 * v.get(name, 0) + 0.001 * g[name] ** 2\n"
     "        s = np.sqrt(v[name] / (1 - 0.999 ** t[0])) + 1e-8\n"
     "        p[name] -= 3.0 * m[name] / (1 - 0.9 ** t[0]) / s"),
)  # fmt: skip
MOMENTUM = (
    STATE,
    (UPDATE, "m[name] = 0.9 * m.get(name, 0) - 0.3 * g[name]\n        p[name] += m[name]"),
)


def _probes(*edits: tuple[str, str], **options: Any) -> Probes:
    return Probes(program_of(**given(*edits, **options)), lambda line: None)


@pytest.mark.parametrize("rate", [0.3, 20.0, 1e-7])
def test_the_rate_of_plain_descent(rate: float) -> None:
    probes = _probes(("0.3 * g", f"{rate} * g"))
    assert stated_rate(probes) == pytest.approx(rate)
    by_loss = _probes(("0.3 * g", f"{rate} * g"), gradients=None)
    assert stated_rate(by_loss) == pytest.approx(rate)


@pytest.mark.parametrize(
    "edits",
    [
        ADAM,
        MOMENTUM,
        ((UPDATE, "p[name] -= 0.3 * (g[name] + 0.1 * p[name])"),),
        ((UPDATE, "p[name] -= (0.3 if name[0] == 'W' else 0.1) * g[name]"),),
        ((UPDATE, "p[name] -= 0.3 * np.sign(g[name])"),),
    ],
    ids=["adam", "momentum", "decay", "two rates", "sign"],
)
def test_no_number_is_told_where_the_update_is_no_multiple(edits: Any) -> None:
    probes = _probes(*edits)
    assert stated_rate(probes) is None
    assert rate_of(probes) is not None


def test_a_finding_on_adam_names_no_rate() -> None:
    finding = cr.diagnose(**given(*ADAM)).findings[0]
    assert finding.name == "rate_too_large"
    assert "at a rate of" not in finding.observed
    assert finding.repair in ("a tenth of the rate in step", "0.03 times the rate in step")


def test_rates_are_put_in_words() -> None:
    assert another_rate(0.1, None).text == "a tenth of the rate in step"
    assert another_rate(100.0, None).text == "100 times the rate in step"
    assert another_rate(0.1, 3.0).text == "the learning rate times 0.1: 0.3 instead of 3"
