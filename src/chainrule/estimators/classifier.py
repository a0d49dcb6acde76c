"""NetworkClassifier: a network that chooses one class of two or more, or any number of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d, validate_data

from chainrule.errors import DataError, OptionError
from chainrule.estimators import build
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.labels import Labels
from chainrule.estimators.losses import classifier_loss
from chainrule.estimators.scale import Scale, Scales
from chainrule.estimators.targets import check_classes
from chainrule.graph.op import Array
from chainrule.nn.activations import NAMED as ACTIVATIONS
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential


class NetworkClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """A network that tells classes apart, in scikit-learn's manner: fit, predict, score.

    Its parameters and attributes mean what they mean in scikit-learn's MLPClassifier, so that
    swapping the import is enough; those from ``class_weight`` on are its own. With the same
    ``random_state`` it draws the same weights and batches. It minimises, over batches of n rows,

        1/n (Σ_i loss(y_i, p_i) + α/2 Σ W²)

    where p is one sigmoid output for two classes, a softmax for more, and one sigmoid a label
    where ``y`` is a matrix of 0 and 1; W are all weights, not biases. Rows with weights w count
    w_i times, and n is Σ w. Columns may have any units: see ``scale_inputs``.

    Args:
        hidden_layer_sizes: the units of each hidden layer, (100,); () for none.
        activation: of the hidden layers: "relu", "tanh", "logistic" or "sigmoid", "identity" or
            "linear", any other of ``Dense``'s, or a function of a Tensor.
        solver: "adam" (Kingma & Ba 2015), "sgd", or "lbfgs", which takes all rows at once and
            needs SciPy; good for a few thousand rows.
        alpha: α of the penalty on weights, 0.0001.
        batch_size: rows a step; "auto" is min(200, n).
        learning_rate: of "sgd" only: "constant"; "invscaling", η / (t + 1)^power_t after t
            samples; "adaptive", a fifth whenever training would end, down to 10⁻⁶.
        learning_rate_init: the rate η of the first step, 0.001.
        power_t: 0.5, see ``learning_rate``.
        max_iter: epochs at most, 200 (iterations, for "lbfgs").
        shuffle: draw the batches anew in each epoch.
        random_state: a seed, a RandomState, or None for other weights and batches in each fit.
        tol: an epoch counts as better if the loss falls by this much, 0.0001; for "lbfgs" the
            largest entry of the gradient at which it ends.
        verbose: print a line for each epoch.
        warm_start: whether ``fit`` goes on from the last one, with the same layers.
        momentum: of "sgd", 0.9.
        nesterovs_momentum: look ahead by the momentum (Nesterov 1983), True.
        early_stopping: set rows aside, score them after each epoch, and keep the best epoch.
        validation_fraction: the share of rows for that, 0.1, with all classes in it.
        beta_1: what Adam keeps of the mean gradient from step to step, 0.9.
        beta_2: what it keeps of the mean squared gradient, 0.999.
        epsilon: what it adds to the root of that, 10⁻⁸.
        n_iter_no_change: end after more than so many epochs that were not better, 10.
        max_fun: evaluations of the loss by "lbfgs" at most, 15000.
        loss: "log_loss", a name of chainrule's losses, a ``Loss``, or a function of (outputs,
            targets).
        class_weight: {class: weight} or "balanced", which is n / (classes · n of the class).
        scale_inputs: train on (x - mean) / unit, where a column's unit is its standard deviation,
            and fold both into the first layer afterwards, so that what was learnt takes columns as
            they are; ``alpha`` and the rate then mean what they mean behind a StandardScaler. True,
            False as in scikit-learn, or "auto": only if some column is of no ordinary size, its
            largest number below 0.1 or above 10, whatever its sign, or its mean more than 20 units
            from 0. Not for a whole network, nor where ``layers`` begins with anything but Dense.
            ``partial_fit`` corrects it by later samples. Callbacks see the network in training.
        layers: in place of ``hidden_layer_sizes``, a list of hidden layers, to which the output
            layer is added; or a whole ``Sequential``, with the output layer that the classes need.
            One that is built already goes on from its parameters, in a copy.
        dropout: the share of each hidden layer's outputs that a step leaves out, 0 (Srivastava et
            al. 2014).
        optimizer: in place of ``solver``, a name or an ``Optimizer``. By name it takes
            ``learning_rate_init``; its own numbers are those of an ``Optimizer``.
        schedule: how the rate changes over ``max_iter`` epochs: a name, a ``Schedule``, or a
            function (epoch, epochs).
        callbacks: ``Callback`` objects or functions of the training, called after each epoch. Of
            objects a shallow copy is used: see ``callbacks_``. A ``Checkpoint`` keeps more networks
            and starts in folders inside: ``network-2``, ``start-2``.
        n_restarts: how often to start again from other weights if training got stuck, 0; the best
            try is kept.
        ensemble: how many networks, 1, that begin with different weights; outputs are their mean
            (Hansen & Salamon 1990).
        engine: "numpy", "xla" or "reference".

    After ``fit``:

        classes_: the classes, sorted.
        coefs_, intercepts_: the weights (inputs, units) and biases of each dense layer. Arrays put
            in their places are used.
        loss_curve_, loss_, best_loss_: the loss of each epoch, the last, and the least.
        validation_scores_, validation_loss_curve_, best_validation_score_: with early stopping or
            ``validation_data``, the accuracy and the loss on rows that were not trained on.
        history_: the :class:`chainrule.History`, with ``stopped``, ``tries`` and ``plot()``.
        nets_: the trained networks, each a :class:`chainrule.Sequential`.
        callbacks_: the callbacks that saw the training, with what they remember of it.
        n_iter_, t_: epochs made, and samples seen.
        n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_: the form.

    With one class alone in ``y`` it answers that class.

    What is not as in scikit-learn: columns of unusual sizes are standardised inside, unless
    ``scale_inputs=False``. And each bias of the output, once drawn as the weights are, after Glorot
    & Bengio (2010), is raised by the log of its class's share in the data, so that training begins
    at the right level.

    >>> from sklearn.datasets import load_iris
    >>> import chainrule as cr
    >>> X, y = load_iris(return_X_y=True)
    >>> net = cr.NetworkClassifier(max_iter=500, random_state=0).fit(X, y)
    >>> bool(net.score(X, y) > 0.95)
    True
    """

    classes_: Array
    _labels: Labels

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        class_weight: Any = None,
        scale_inputs: Any = "auto",
        layers: Any = None,
        dropout: float = 0.0,
        optimizer: Any = None,
        schedule: Any = None,
        callbacks: Any = (),
        n_restarts: int = 0,
        ensemble: int = 1,
        engine: str = "numpy",
    ) -> None:
        self._keep(locals())

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> NetworkClassifier:
        """Train on samples ``X`` (n, features) and labels ``y``, (n,) or (n, labels) of 0 and 1.

        Args:
            sample_weight: one number a row.
            validation_data: (X, y) or (X, y, sample_weight), scored after each epoch.

        Raises:
            ValueError: parameters, data or labels that cannot be used; or training exploded.
        """
        fitted: NetworkClassifier = self._fit(X, y, sample_weight, validation_data)
        return fitted

    @available_if(lambda self: self._can_take_steps())  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> NetworkClassifier:
        """Train for one epoch on these samples, going on from where the network is.

        Neither callbacks nor a schedule are used: these are for whole trainings.

        Args:
            classes: all classes there are; needed in the first call.
        """
        check_classes(classes, "classes")
        check_classes(y)
        if _check_partial_fit_first_call(self, classes):
            several = type_of_target(y).startswith("multilabel")
            self._labels = Labels(y if several else np.asarray(classes))
            self.classes_ = self._labels.classes
        fitted: NetworkClassifier = self._partial_fit(X, y, sample_weight)
        return fitted

    def predict(self, X: Any) -> Any:
        """The most probable class of each row, (n,); or (n, labels) of 0 and 1."""
        outputs = self._outputs(X)
        return self._labels.predicted(outputs)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (n, classes), in the order of ``classes_``."""
        outputs = self._outputs(X)
        if self._labels.kind != "binary" or outputs.shape[1] > 1:
            return outputs
        if len(self.classes_) == 1:
            return np.ones_like(outputs)
        return np.concatenate([1 - outputs, outputs], axis=1)

    def predict_log_proba(self, X: Any) -> Array:
        """The natural logarithm of :meth:`predict_proba`; -inf where that is 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    # --- what the base asks ----------------------------------------------------------------------

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        check_classes(y)
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, dtype=(np.float64, np.float32),
            reset=reset,
        )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _learn_targets(self, y: Any) -> None:
        self._labels = Labels(y)
        self.classes_ = self._labels.classes

    def _check_form(self, y: Any) -> None:
        self._labels.check_form(y)

    def _check_held(self, y: Any) -> None:
        self._labels.numbers(y)

    def _check_targets(self, y: Any) -> None:
        self._check_form(y)
        classes = unique_labels(y)
        if set(classes) != set(self.classes_):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )

    def _output(
        self, options: dict[str, Any], y: Any, w: Array | None, scale: Scale
    ) -> build.Output:
        labels, given = self._labels, options["layers"]
        units = labels.outputs
        if isinstance(given, Sequential):
            units = build.last_units(given)
            last, needed = given.last_activation, labels.activation(units)
            if needed is None or (last in ACTIVATIONS and last != needed):
                raise OptionError(
                    f"layers= is a whole network that ends with {units} units and {last}, and "
                    f"{labels.told} need {labels.needed}. Or give the hidden layers alone, as a "
                    "list."
                )
        answer = labels.shares(y, w)
        if units == 2 and labels.kind == "binary":
            answer = np.array([1 - answer[0], answer[0]])
        return build.Output(units, labels.activation(units), answer)

    def _targets(
        self, y: Any, output: build.Output, dtype: Any, scales: Scales
    ) -> tuple[Loss, Array]:
        loss = classifier_loss(self.loss, output.units, self._labels.kind)
        return loss, self._labels.targets(y, output.units, loss.kind, dtype)

    def _weights(self, w: Array | None, y: Any, *, whole: bool) -> Array | None:
        if self.class_weight is None:
            return w
        if isinstance(self.class_weight, str) and not whole:
            raise OptionError(
                "class_weight 'balanced' is not supported for partial_fit, which sees a piece of "
                "the data only. Compute the weights of all of it, with "
                "sklearn.utils.class_weight.compute_class_weight, and give them as a dict."
            )
        of_classes = compute_sample_weight(self.class_weight, y)
        return np.asarray(of_classes if w is None else w * of_classes)

    def _score_outputs(self, outputs: Array, y: Any, w: Array | None) -> float:
        labels = self._labels
        return float(accuracy_score(labels.numbers(y), labels.chosen(outputs), sample_weight=w))

    def _strata(self, y: Any) -> Any:
        return None if self._labels.kind == "multilabel" else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
