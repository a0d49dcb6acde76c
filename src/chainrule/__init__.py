"""chainrule: neural networks that people can see through.

A computation is recorded once as a graph, and everything is a reading of that graph: run it,
differentiate it, compile it, check it, print it, draw it. To see how, read ``graph/op.py`` (what an
operation is), then ``graph/tensor.py`` and ``graph/apply.py`` (how it is recorded) and
``graph/differentiate.py`` (the chain rule).

The names stand in ``api.py`` and are loaded when the first is used, so that the command answers
``--help`` at once. They need NumPy and nothing heavier; NetworkClassifier and NetworkRegressor load
scikit-learn when they are first asked for.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from chainrule.api import *  # noqa: F403
    from chainrule.estimators import NetworkClassifier, NetworkRegressor  # noqa: F401
else:

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        api = import_module("chainrule.api")
        if name == "__all__":
            return api.__all__
        home = api
        if name in api._ESTIMATORS:
            home = import_module("chainrule.estimators")
        elif name in api._LATER:
            home = import_module(api._LATER[name])
            if home.__name__ == f"chainrule.{name}":
                return home
        elif name not in api.__all__:
            from chainrule.errors import near

            known = [*api.__all__, *api._ESTIMATORS]
            raise AttributeError(
                f"module 'chainrule' has no attribute {name!r}.{near(name, known)}"
            )
        globals()[name] = value = getattr(home, name)  # from now on it is found without asking
        return value

    def __dir__() -> list[str]:
        from chainrule.api import _ESTIMATORS, __all__

        return sorted([*__all__, *_ESTIMATORS, "__version__"])
