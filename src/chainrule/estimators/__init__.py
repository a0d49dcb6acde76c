"""Networks as scikit-learn's estimators: for pipelines, searches and cross-validation.

They take the names, defaults and attributes of scikit-learn's own multi-layer perceptron, so that
swapping the import is enough, and train by chainrule's ``fit``. This package needs scikit-learn,
which is loaded when it is imported, and not before.
"""

from chainrule.errors import optional_package

optional_package("sklearn.base", "estimators", "chainrule.estimators")

from chainrule.estimators.classifier import NetworkClassifier  # noqa: E402
from chainrule.estimators.regressor import NetworkRegressor  # noqa: E402

__all__ = ["NetworkClassifier", "NetworkRegressor"]
