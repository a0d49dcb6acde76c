"""Models of other libraries are diagnosed as the equal network of ours would be."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr
from chainrule.doctor.adapters import adapted

MOONS = cr.data.moons(200, noise=0.15, seed=0)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_a_fitted_classifier_becomes_a_network_that_answers_alike(activation: str) -> None:
    X, y = MOONS
    names = np.array(["no", "yes"])[y]
    model = MLPClassifier((5, 4), activation=activation, max_iter=15, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, names)
    net, _, wanted, options = adapted(model, X, names, {})
    np.testing.assert_allclose(net.predict(X)[:, 0], model.predict_proba(X)[:, 1], atol=1e-12)
    np.testing.assert_array_equal(wanted, y)
    assert options["epochs"] == 15
    assert options["batch_size"] == 200
    assert options["optimizer"] == cr.Adam(0.001, weight_decay=0.0001 / 200)


def test_three_classes_values_and_solvers() -> None:
    X, y = cr.data.blobs(90, seed=0)
    net, *_ = adapted(MLPClassifier((6,), max_iter=1), X, y, {})
    assert net.last_activation == "softmax"
    solver = MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", learning_rate_init=0.2, momentum=0.0, alpha=0.0
    )
    net, _, _, options = adapted(solver, X, X[:, 0], {})
    assert [layer.units for layer in net.layers] == [1]
    assert options["optimizer"] == cr.SGD(0.2)
    with pytest.raises(cr.errors.OptionError, match="its loss is 'poisson'"):
        adapted(MLPRegressor(loss="poisson"), X, X[:, 0], {})
    with pytest.raises(cr.errors.OptionError, match="batch_size is the model's own"):
        adapted(solver, X, X[:, 0], {"batch_size": 8})


def test_a_perceptron_whose_rate_is_too_small() -> None:
    model = MLPClassifier((8,), learning_rate_init=1e-6, max_iter=400, random_state=0)
    found = cr.diagnose(model, *MOONS)
    assert found.findings[0].name == "rate_too_small"
    assert not hasattr(model, "coefs_")


def torch_net(*last: torch.nn.Module) -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(2, 8),
        torch.nn.BatchNorm1d(8),
        torch.nn.Tanh(),
        torch.nn.Linear(8, 2),
        *last,
    )


def test_a_torch_network_answers_alike_and_keeps_its_weights() -> None:
    model = torch_net(torch.nn.Softmax(1)).eval()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    X = torch.tensor(MOONS[0], dtype=torch.float32)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.5)
    net, inputs, _, options = adapted(model, X, MOONS[1], {"optimizer": optimizer})
    np.testing.assert_allclose(net.predict(inputs), model(X).detach().numpy(), atol=1e-6)
    assert options["optimizer"] == cr.SGD(0.3, momentum=0.5)
    cr.diagnose(model, X, MOONS[1], loss="cross_entropy", epochs=0)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_softmax_before_cross_entropy_loss_is_one_too_many() -> None:
    given = {"loss": torch.nn.CrossEntropyLoss(), "epochs": 30, "optimizer": cr.Adam(0.02)}
    assert cr.diagnose(torch_net(), *MOONS, **given).findings == ()
    found = cr.diagnose(torch_net(torch.nn.Softmax(1)), *MOONS, **given)
    assert found.findings[0].name == "softmax_twice"


def test_what_is_not_known_is_named() -> None:
    with pytest.raises(cr.errors.OptionError, match=r"the layer Conv1d of PyTorch is not known"):
        adapted(torch.nn.Sequential(torch.nn.Conv1d(1, 1, 1)), *MOONS, {})
    with pytest.raises(cr.errors.OptionError, match=r"the loss NLLLoss of PyTorch is not known"):
        adapted(torch_net(), *MOONS, {"loss": torch.nn.NLLLoss()})
    with pytest.raises(cr.errors.OptionError, match=r"diagnose takes a network.*got int"):
        cr.diagnose(3, *MOONS)
    for model in (torch_net(), MLPClassifier()):
        with pytest.raises(cr.errors.OptionError, match="diagnose needs the data too"):
            cr.diagnose(model, MOONS[0])
    with pytest.raises(cr.errors.OptionError, match=r"got a sparse matrix: write X\.toarray"):
        cr.diagnose(MLPClassifier(), csr_array(MOONS[0]), MOONS[1])
