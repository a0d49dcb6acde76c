"""The estimators beside scikit-learn's networks: scores on real tables, and seconds.

    python benchmarks/estimators.py                  # ten seeds of five folds
    python benchmarks/estimators.py --seeds 3 iris wine
    python benchmarks/estimators.py --jobs 2         # two comparisons at a time

Both are used as they are, with default settings and the same ``random_state``, on the same folds,
one after the other on one thread: on raw columns, behind a StandardScaler, and where numbers are
predicted with standardised targets too. The score is the accuracy, or R² of numbers. A seed
shuffles the folds and begins the networks. The error of a gain is that of its mean for other rows
of the same kind, not only for other seeds: see ``standard_error``. Seconds are the processor's, so
that other programs do not count. Data come with scikit-learn, mlxtend, statsmodels and
palmerpenguins; what is not installed is said.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import machine

# Before NumPy is loaded: on small tables, threads only get in each other's way.
os.environ.update(machine.ONE_THREAD)

import joblib
import numpy as np
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr

FOLDS = 5

#: Differences of fewer standard errors than this are noise.
NOISE = 2.0

#: Where all steps take all rows, both do the same but for rounding, which later steps enlarge.
ROUNDING = 1e-6

#: What is standardised before either of the two sees it.
NOTHING, COLUMNS, BOTH = "nothing", "columns", "columns, target"

Table = tuple[np.ndarray, np.ndarray]


def penguins(target: str) -> Table:
    """The rows of Palmer's penguins in which nothing is missing: four lengths and masses."""
    from palmerpenguins import load_penguins

    table = load_penguins().dropna()
    numbers = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    features = [name for name in numbers if name != target]
    return table[features].to_numpy(float), table[target].to_numpy()


def auto_mpg() -> Table:
    """Miles per gallon of cars, from seven numbers (mlxtend's eighth column is empty)."""
    from mlxtend.data import autompg_data

    X, y = autompg_data()
    return X[:, :7].astype(float), y.astype(float)


def statistics(name: str, target: str, cut: float | None = None) -> Table:
    """One of statsmodels': its numbers, and whether the target is above ``cut``, or itself."""
    import statsmodels.datasets

    table = getattr(statsmodels.datasets, name).load_pandas().data
    y = table[target].to_numpy(float)
    X = table.drop(columns=target).select_dtypes("number").to_numpy(float)
    return X, y if cut is None else (y > cut).astype(int)


def bundled(name: str) -> Callable[[], Table]:
    """One of scikit-learn's own."""
    return lambda: getattr(datasets, f"load_{name}")(return_X_y=True)


CLASSES: dict[str, Callable[[], Table]] = {
    "iris": bundled("iris"),
    "wine": bundled("wine"),
    "breast cancer": bundled("breast_cancer"),
    "digits": bundled("digits"),
    "penguins' species": lambda: penguins("species"),
    "affairs": lambda: statistics("fair", "affairs", 0.0),
    "votes of 1996": lambda: statistics("anes96", "vote", 0.5),
    "course grades": lambda: statistics("spector", "GRADE", 0.5),
}

NUMBERS: dict[str, Callable[[], Table]] = {
    "diabetes": bundled("diabetes"),
    "linnerud": bundled("linnerud"),
    "cars' miles a gallon": auto_mpg,
    "penguins' mass": lambda: penguins("body_mass_g"),
    "state crime": lambda: statistics("statecrime", "violent"),
    "investment": lambda: statistics("grunfeld", "invest"),
    "school scores": lambda: statistics("star98", "NABOVE"),
}


@dataclass(frozen=True)
class Comparison:
    """Scores of theirs and ours (seeds, folds), and the seconds that all fits took."""

    name: str
    standardised: str
    shape: tuple[int, int]
    theirs: np.ndarray
    ours: np.ndarray
    seconds: tuple[float, float]

    @property
    def gain(self) -> np.ndarray:
        """What ours score more on each fold."""
        return self.ours - self.theirs

    @property
    def verdict(self) -> str:
        """Whether the gain is more than noise."""
        mean, error = self.gain.mean(), standard_error(self.gain)
        if abs(mean) <= max(NOISE * error, ROUNDING):
            return "as good"
        return "better" if mean > 0 else "**worse beyond noise**"

    def row(self) -> str:
        """A line of the Markdown table."""
        theirs, ours = self.seconds
        return (
            f"| {self.name} | {self.shape[0]} × {self.shape[1]} | {self.standardised} "
            f"| {self.theirs.mean():.4f} | {self.ours.mean():.4f} "
            f"| {self.gain.mean():+.4f} ± {standard_error(self.gain):.4f} | {self.verdict} "
            f"| {theirs:.2f} | {ours:.2f} |"
        )


def standard_error(gain: np.ndarray) -> float:
    """Of the mean of gains (seeds, folds); infinite for one seed alone.

    Folds share rows, seeds even all of them, so the spread of their mean tells too little of other
    rows: σ²(1/n + test/train) is its variance (Nadeau & Bengio 2003, Inference for the
    generalization error).
    """
    if len(gain) < 2:
        return float("inf")
    return float(np.sqrt((1 / gain.size + 1 / (FOLDS - 1)) * gain.var(ddof=1)))


def prepared(network: Any, standardised: str) -> Any:
    """The network behind what is standardised."""
    if standardised == NOTHING:
        return network
    pipe = make_pipeline(StandardScaler(), network)
    if standardised == COLUMNS:
        return pipe
    return TransformedTargetRegressor(pipe, transformer=StandardScaler())


def compared(name: str, standardised: str, seeds: int) -> Comparison | str:
    """Both estimators on the same folds, in turns; a line of words for data that are not here."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    by_class = name in CLASSES
    try:
        X, y = (CLASSES if by_class else NUMBERS)[name]()
    except ImportError as error:
        return f"| {name} | {error.name} is not installed | | | | | | | |"
    pair: tuple[Any, Any] = (
        (MLPClassifier, cr.NetworkClassifier) if by_class else (MLPRegressor, cr.NetworkRegressor)
    )
    scores: list[list[list[float]]] = [[], []]
    seconds = [0.0, 0.0]
    for seed in range(seeds):
        folds = (StratifiedKFold if by_class else KFold)(FOLDS, shuffle=True, random_state=seed)
        found: list[list[float]] = [[], []]
        for train, test in folds.split(X, y):
            for which, kind in enumerate(pair):
                estimator = prepared(kind(random_state=seed), standardised)
                began = time.process_time()
                estimator.fit(X[train], y[train])
                seconds[which] += time.process_time() - began
                found[which].append(estimator.score(X[test], y[test]))
        for mine, values in zip(scores, found, strict=True):
            mine.append(values)
    theirs, ours = map(np.array, scores)
    return Comparison(name, standardised, X.shape, theirs, ours, (seconds[0], seconds[1]))


def comparisons(names: list[str], seeds: int, jobs: int) -> Iterator[Comparison | str]:
    """All that there are, in order, some at a time."""
    wanted = [
        (name, standardised)
        for name in {**CLASSES, **NUMBERS}
        for standardised in ((NOTHING, COLUMNS) if name in CLASSES else (NOTHING, COLUMNS, BOTH))
        if not names or name in names
    ]
    at_once = joblib.Parallel(jobs, return_as="generator")
    found: Iterator[Comparison | str] = at_once(
        joblib.delayed(compared)(*one, seeds) for one in wanted
    )
    return found


def summary(found: list[Comparison]) -> str:
    """All tables in a few sentences."""
    verdicts = [one.verdict for one in found]
    theirs, ours = (sum(one.seconds[which] for one in found) for which in (0, 1))
    lines = [
        f"Of {len(found)} comparisons: {verdicts.count('better')} better, "
        f"{verdicts.count('as good')} as good, "
        f"{verdicts.count('**worse beyond noise**')} worse beyond noise "
        f"(more than {NOISE:g} standard errors of the difference). Mean gains, any R² below 0 "
        "counted as 0:\n",
    ]
    for standardised in (NOTHING, COLUMNS, BOTH):
        those = [one for one in found if one.standardised == standardised]
        accuracy = [one.gain.mean() for one in those if one.name in CLASSES]
        numbers = [
            np.subtract(*(np.maximum(x.mean(axis=1), 0).mean() for x in (one.ours, one.theirs)))
            for one in those
            if one.name in NUMBERS
        ]
        gains = [
            f"{np.mean(gain):+.4f} in {score}"
            for score, gain in (("accuracy", accuracy), ("R²", numbers))
            if gain
        ]
        if gains:
            lines.append(f"- {standardised} standardised: {', '.join(gains)}")
    lines.append(f"\nTime of all fits: {ours / theirs:.2f} of scikit-learn's.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only these: " + ", ".join({**CLASSES, **NUMBERS}))
    parser.add_argument("--seeds", type=int, default=10, help="how many, each with five folds")
    parser.add_argument("--jobs", type=int, default=1, help="how many comparisons at a time")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in {**CLASSES, **NUMBERS}]
    if unknown:
        parser.error(f"no table is called {unknown[0]!r}; see --help for their names")
    print(
        "| table | rows × columns | standardised | scikit-learn | chainrule | gain | verdict | s "
        "| s, chainrule |"
    )
    print("|---|---:|---|---:|---:|---:|---|---:|---:|")
    found: list[Comparison] = []
    for one in comparisons(options.names, options.seeds, options.jobs):
        print(one if isinstance(one, str) else one.row(), flush=True)
        if not isinstance(one, str):
            found.append(one)
    print(f"\n{summary(found)}")


if __name__ == "__main__":
    main()
