"""What the adapter of PyTorch takes is trained alike, and what has no equal is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import chainrule as cr
from chainrule.doctor import prescriptions
from chainrule.doctor.adapters import adapted
from chainrule.doctor.adapters.wording import in_words_of
from chainrule.doctor.case import case_of
from chainrule.doctor.diagnosis import ILL, Diagnosis
from chainrule.doctor.finding import Finding
from chainrule.doctor.probes import Probes
from chainrule.errors import OptionError, ShapeError

MAKE = torch.Generator().manual_seed(0)
X = torch.randn(60, 3, generator=MAKE, dtype=torch.float64)
VALUES = (X[:, :1] * X[:, 1:2]).sin()
LABELS = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()
COLUMN = LABELS[:, None]


def model_of(*behind: nn.Module, outputs: int = 1, last: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(1)
    ends = [] if last is None else [last]
    return nn.Sequential(nn.Linear(3, 6), *behind, nn.Linear(6, outputs), *ends).double()


def sgd(model: nn.Sequential, **options: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), **{"lr": 0.05, **options})


def assert_alike(
    model: nn.Sequential, loss: Any, y: torch.Tensor, make: Callable[[Any], Any] = sgd
) -> None:
    """Six steps of both on all rows lead to the same outputs."""
    optimizer = make(model)
    net, inputs, wanted, told = adapted(model, X, y, {"loss": loss, "optimizer": optimizer})
    at_first = net.predict(inputs)
    weights = {k: told[k] for k in ("class_weight",) if k in told}
    with np.errstate(all="ignore"):
        net.fit(
            inputs, wanted, loss=told["loss"], optimizer=told["optimizer"], epochs=6,
            batch_size=None, **weights,
        )  # fmt: skip
    for _ in range(6):
        optimizer.zero_grad()
        loss(model(X), y).backward()
        optimizer.step()
    raw = model.eval()(X).detach()
    applied = {
        "CrossEntropyLoss": lambda z: z.softmax(1),
        "BCEWithLogitsLoss": torch.sigmoid,
    }.get(type(loss).__name__, lambda z: z)
    assert np.abs(net.predict(inputs) - at_first).max() > 1e-4
    np.testing.assert_allclose(net.predict(inputs), applied(raw).numpy(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "layer",
    [
        nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.SiLU(), nn.GELU("tanh"), nn.Softplus(),
        nn.LeakyReLU(), nn.LeakyReLU(0.7), nn.ELU(), nn.ELU(3.0), nn.Softmax(dim=1),
        nn.Softmax(dim=-1), nn.Softmax(dim=0), nn.BatchNorm1d(6), nn.BatchNorm1d(6, 0.1, 0.5),
        nn.Identity(), nn.Dropout(0.0), nn.Flatten(), nn.Sequential(nn.Tanh(), nn.ReLU()),
    ],
    ids=str,
)  # fmt: skip
def test_layers_are_trained_alike(layer: nn.Module) -> None:
    assert_alike(model_of(layer, nn.Tanh()), nn.MSELoss(), VALUES)


def test_gelu_is_close_to_that_of_erf() -> None:
    model = model_of(nn.GELU())
    net, *_ = adapted(model, X, VALUES, {})
    np.testing.assert_allclose(net.predict(X.numpy()), model(X).detach().numpy(), atol=2e-3)


@pytest.mark.parametrize(
    "loss",
    [
        nn.MSELoss(), nn.MSELoss(reduction="sum"), nn.L1Loss(), nn.L1Loss(reduction="sum"),
        nn.HuberLoss(), nn.HuberLoss(delta=0.3), nn.SmoothL1Loss(), nn.SmoothL1Loss(beta=0.2),
        nn.SmoothL1Loss(beta=0.0), nn.HuberLoss(reduction="sum", delta=0.1),
    ],
)  # fmt: skip
def test_losses_of_values_are_trained_alike(loss: nn.Module) -> None:
    assert_alike(model_of(nn.Tanh()), loss, VALUES, lambda model: sgd(model, lr=0.003))


def test_targets_without_a_column_are_broadcast_as_pytorch_does() -> None:
    with pytest.warns(UserWarning, match="target size"):
        assert_alike(model_of(nn.Tanh()), nn.MSELoss(), VALUES[:, 0])
    with pytest.warns(UserWarning, match="target size"):
        assert_alike(model_of(nn.Tanh()), nn.HuberLoss(delta=0.4), VALUES[:, 0])


def test_losses_of_classes_are_trained_alike() -> None:
    weights = torch.tensor([1.0, 3.0, 0.5], dtype=torch.float64)
    shares = torch.nn.functional.one_hot(LABELS, 3).double() * 0.7 + 0.1
    for loss in (
        nn.CrossEntropyLoss(), nn.CrossEntropyLoss(weight=weights),
        nn.CrossEntropyLoss(reduction="sum"),
    ):  # fmt: skip
        make = lambda model: sgd(model, lr=0.01)  # noqa: E731
        assert_alike(model_of(nn.Tanh(), outputs=3), loss, LABELS, make)
    assert_alike(model_of(nn.Tanh(), outputs=3), nn.CrossEntropyLoss(), shares)
    yes = (LABELS[:, None] > 0).double()
    assert_alike(model_of(nn.Tanh()), nn.BCEWithLogitsLoss(), yes)
    assert_alike(model_of(nn.Tanh(), last=nn.Sigmoid()), nn.BCELoss(), yes)
    assert_alike(model_of(nn.Tanh(), last=nn.Sigmoid()), nn.BCELoss(reduction="sum"), yes)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("Adam", {"betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
        ("AdamW", {"weight_decay": 0.3}),
        ("RMSprop", {"alpha": 0.8, "weight_decay": 0.1}),
        ("Adagrad", {"weight_decay": 0.1, "eps": 1e-3}),
    ],
)
def test_optimizers_step_alike(kind: str, options: dict[str, Any]) -> None:
    make = lambda model: getattr(torch.optim, kind)(model.parameters(), lr=0.02, **options)  # noqa: E731
    assert_alike(model_of(nn.Tanh()), nn.MSELoss(), VALUES, make)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Linear(3, 1, bias=False)), "Linear of PyTorch has bias=False"),
        (model_of(nn.BatchNorm1d(6, affine=False)), "BatchNorm1d of PyTorch has affine=False"),
        (model_of(nn.BatchNorm1d(6, momentum=None)), "momentum=None"),
        (model_of(nn.BatchNorm1d(6, track_running_stats=False)), "track_running_stats=False"),
        (model_of(nn.Dropout(1.0)), "Dropout of PyTorch has p=1"),
        (model_of(nn.Flatten(0)), "Flatten of PyTorch has start_dim=0"),
        (model_of(nn.Softplus(beta=2.0)), "Softplus of PyTorch has beta=2"),
        (model_of(nn.Softmax(dim=2)), "Softmax of PyTorch has dim=2"),
        (model_of(nn.utils.parametrizations.weight_norm(nn.Linear(6, 6))), "ParametrizedLinear"),
        (model_of().half(), "parameters of float16"),
    ],
)
def test_options_of_layers_without_an_equal_are_refused(model: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        adapted(model, X, VALUES, {})


def test_parameters_that_are_not_trained_freely_are_refused() -> None:
    frozen, tied, hooked, watched = (model_of(nn.Tanh()) for _ in range(4))
    frozen[2].weight.requires_grad_(False)
    with pytest.raises(OptionError, match=r"2\.weight of PyTorch has requires_grad=False"):
        adapted(frozen, X, VALUES, {})
    square = nn.Linear(6, 6)
    tied.insert(1, square).insert(2, square).double()
    with pytest.raises(OptionError, match=r"2\.weight of PyTorch has the very parameter 1\.weight"):
        adapted(tied, X, VALUES, {})
    hooked[1].register_forward_hook(lambda *given: None)
    with pytest.raises(OptionError, match="Tanh of PyTorch has a hook"):
        adapted(hooked, X, VALUES, {})
    watched[0].weight.register_hook(lambda g: g.clip(-1, 1))
    with pytest.raises(OptionError, match=r"0\.weight of PyTorch has a hook"):
        adapted(watched, X, VALUES, {})
    pictures = torch.zeros(4, 2, 3)
    for module in (nn.Softmax(dim=1), nn.BatchNorm1d(2)):
        model = nn.Sequential(module, nn.Flatten(), nn.Linear(6, 1))
        with pytest.raises(OptionError, match=r"of PyTorch has samples of shape \(2, 3\)"):
            adapted(model, pictures, VALUES[:4], {})
    with pytest.raises(ShapeError, match=r"W1 of the model of PyTorch has shape \(3, 6\)"):
        adapted(model_of(nn.Tanh()), X[:, :2], VALUES, {})


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (nn.MSELoss(reduction="none"), VALUES, "MSELoss of PyTorch has reduction='none'"),
        (nn.CrossEntropyLoss(label_smoothing=0.1), LABELS, "has label_smoothing=0.1"),
        (nn.CrossEntropyLoss(ignore_index=0), LABELS, "has ignore_index=0"),
        (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.0])), LABELS, r"has weight=\[1.0, 0.0\]"),
        (nn.BCEWithLogitsLoss(pos_weight=torch.ones(1)), VALUES, r"has pos_weight=\[1.0\]"),
        (nn.BCELoss(weight=torch.ones(1)), VALUES, "BCELoss of PyTorch has weight="),
        (nn.BCELoss(), VALUES, r"the adapter takes nn.Sigmoid\(\) before it"),
        (nn.BCEWithLogitsLoss(), VALUES[:, 0], r"It takes y of shape \(60, 1\): y.reshape"),
        (nn.CrossEntropyLoss(), COLUMN, r"class indices, y of shape \(60,\): y\[:, 0\]"),
        (nn.MSELoss(), VALUES.float(), r"y is a tensor of float32.*write y.to\(torch.float64\)"),
        (nn.MSELoss(), VALUES.repeat(1, 2), r"outputs of shape \(60, 1\) and y of shape \(60, 2\)"),
        (nn.CrossEntropyLoss(), LABELS.double(), r"write y.to\(torch.int64\)"),
        (nn.MSELoss, VALUES, r"MSELoss of PyTorch was given, which is no object yet"),
        (nn.functional.mse_loss, VALUES, "mse_loss of PyTorch was given"),
    ],
)
def test_losses_without_an_equal_are_refused(loss: Any, y: torch.Tensor, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        adapted(model_of(nn.Tanh(), outputs=1 + 2 * (y is COLUMN)), X, y, {"loss": loss})


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("SGD", {"maximize": True}), ("SGD", {"dampening": 0.5, "momentum": 0.5}),
        ("Adam", {"amsgrad": True}), ("Adam", {"maximize": True}),
        ("AdamW", {"amsgrad": True}), ("Adam", {"decoupled_weight_decay": True}),
        ("RMSprop", {"momentum": 0.9}), ("RMSprop", {"centered": True}),
        ("Adagrad", {"lr_decay": 0.1}), ("Adagrad", {"initial_accumulator_value": 1.0}),
    ],
)  # fmt: skip
def test_options_of_optimizers_without_an_equal_are_refused(
    kind: str, options: dict[str, Any]
) -> None:
    model = model_of(nn.Tanh())
    optimizer = getattr(torch.optim, kind)(model.parameters(), **options)
    name, value = next(iter(options.items()))
    with pytest.raises(OptionError, match=f"{kind} of PyTorch has {name}={value}"):
        adapted(model, X, VALUES, {"optimizer": optimizer})


def test_an_optimizer_must_hold_all_parameters_alike() -> None:
    model = model_of(nn.Tanh())
    for given, message in (
        (
            sgd(model_of(nn.Tanh())),
            r"SGD of PyTorch holds 0 of the model's 4 parameters \(0.weight",
        ),
        (torch.optim.SGD([model[2].bias], lr=1.0), "holds 1 of the model's 4 parameters"),
        (
            torch.optim.SGD(
                [
                    {"params": model[0].parameters(), "lr": 0.1},
                    {"params": model[2].parameters(), "lr": 0.2},
                ]
            ),
            "SGD of PyTorch has lr=0.2 beside 0.1",
        ),
    ):
        with pytest.raises(OptionError, match=message):
            adapted(model, X, VALUES, {"optimizer": given})
    scheduled = sgd(model)
    torch.optim.lr_scheduler.StepLR(scheduled, 3)
    with pytest.raises(OptionError, match=r"has a schedule of torch\.optim.lr_scheduler"):
        adapted(model, X, VALUES, {"optimizer": scheduled})


def test_targets_that_are_broadcast_are_found_and_the_repair_is_pytorchs() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    given = {"loss": nn.MSELoss(), "optimizer": optimizer, "epochs": 60, "batch_size": 20}
    found = cr.diagnose(model, X.float(), VALUES[:, 0].float(), **given)
    assert [finding.name for finding in found.findings] == ["targets_broadcast"]
    assert found.findings[0].repair == "y = y.reshape(-1, 1), the shape of the outputs"
    assert found.findings[0].experiment is not None


def test_repairs_can_be_typed() -> None:
    cures = (
        prescriptions.another_rate(10, 0.01),
        prescriptions.output_activation("softmax"),
        prescriptions.output_activation(None),
        prescriptions.own_softmax_replaced(),
        prescriptions.standard_outputs("probability"),
        prescriptions.standard_loss("cross_entropy"),
        prescriptions.hidden_activation("relu"),
        prescriptions.with_hidden_layer(16),
        prescriptions.milder_dropout(),
    )
    findings = tuple(Finding("", "", "", "", "", 1.0, cure.text) for cure in cures)
    options = {"loss": nn.CrossEntropyLoss()}
    found = in_words_of(nn.Sequential(), options, Diagnosis(findings, ILL))
    plain = "nn.Linear as the last module, with no activation behind it"
    assert [finding.repair for finding in found.findings] == [
        "lr=0.1 instead of 0.01",
        f"{plain}: CrossEntropyLoss applies softmax itself",
        plain,
        f"{plain}: CrossEntropyLoss applies softmax itself",
        "loss=nn.BCEWithLogitsLoss(), with no nn.Sigmoid before it",
        "loss=nn.CrossEntropyLoss(), with no nn.Softmax before it",
        "nn.ReLU() behind each hidden nn.Linear",
        "nn.Linear(..., 16), nn.Tanh() before the last nn.Linear",
        "nn.Dropout(0.1)",
    ]


def test_a_sum_is_held_against_the_same_yardstick_as_a_mean() -> None:
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(60) < 0.3, rng.integers(0, 3, 60), LABELS.numpy())
    shares = []
    for reduction in ("mean", "sum"):
        given = {"loss": nn.CrossEntropyLoss(reduction=reduction), "epochs": 2}
        net, inputs, wanted, told = adapted(model_of(nn.Tanh(), outputs=3), X, noisy, given)
        found = Probes(case_of(net, inputs, wanted, **told), lambda line: None).reference
        shares.append((found.share, found.held_share))
    np.testing.assert_allclose(shares[0], shares[1], rtol=1e-3)
