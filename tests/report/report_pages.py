"""Reports of small networks, and a page taken apart."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.report import Report

#: Elements that are never closed.
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """A page taken apart: ``tags`` in order, each with its attributes and the words inside."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[tuple[str, int]] = []
        self.words: dict[int, str] = {}
        self.text = text
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attributes}))
        if tag not in VOID:
            self.open.append((tag, len(self.tags) - 1))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attributes}))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self.open.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"
        if tag in ("td", "th", "p", "dt", "dd", "li", "h2", "h3"):
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        for _, place in self.open:
            self.words[place] = self.words.get(place, "") + data

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    def texts(self, *names: str) -> list[str]:
        """The words inside each element of these names."""
        return [
            " ".join(self.words.get(place, "").split())
            for place, (tag, _) in enumerate(self.tags)
            if tag in names
        ]

    def section(self, key: str) -> str:
        """The words of a section."""
        for place, (tag, attributes) in enumerate(self.tags):
            if tag == "section" and attributes.get("id") == key:
                return " ".join(self.words[place].split())
        raise AssertionError(f"there is no section {key}")


def clouds(classes: int, rows: int = 240) -> tuple[Any, Any]:
    """Points around centres that overlap, three features of which the last is noise."""
    rng = np.random.default_rng(classes)
    y = np.arange(rows) % classes
    centres = 2.0 * np.stack([np.cos(2 * np.pi * y / classes), np.sin(2 * np.pi * y / classes)], 1)
    X = np.hstack([centres + rng.normal(size=(rows, 2)), rng.normal(size=(rows, 1))])
    return X, y


def classifier(classes: int, **options: Any) -> Report:
    X, y = clouds(classes)
    last = cr.Dense(classes, "softmax") if classes > 2 else cr.Dense(1, "sigmoid")
    net = cr.Sequential(cr.Dense(8, "tanh"), last)
    history = net.fit(
        X[:160], y[:160], epochs=15, validation=0.2, metrics="accuracy", progress=False
    )
    settings = {"feature_names": ["east", "north", "noise"], "history": history, "path": None}
    return cr.write_report(
        net, X[160:], y[160:], training=(X[:160], y[:160]), **(settings | options)
    )


def plane(**options: Any) -> Report:
    """Four kinds of points in a plane."""
    X, y = clouds(4, 400)
    X = X[:, :2]
    net = cr.Sequential(cr.Dense(8, "tanh"), cr.Dense(4, "softmax"))
    net.fit(X, y, epochs=15)
    return cr.write_report(net, X, y, None, feature_names=["east", "north"], **options)


def regressor(**options: Any) -> Report:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(240, 3))
    y = 8 * X[:, 0] ** 2 + 3 * X[:, 1] + rng.normal(size=240)
    net = cr.Sequential(cr.Dense(16, "tanh"), cr.Dense(1))
    history = net.fit(X[:160], y[:160], epochs=200, batch_size=None, optimizer=cr.Adam(0.1))
    settings = {"history": history, "target": "price (€)", "path": None}
    return cr.write_report(
        net, X[160:], y[160:], training=(X[:160], y[:160]), **(settings | options)
    )


def pictures(**options: Any) -> Report:
    data = cr.data.digits()
    net = cr.Sequential(cr.Dense(16, "relu"), cr.Dense(10, "softmax"))
    history = net.fit(data.X_train, data.y_train, epochs=5, metrics="accuracy", progress=False)
    settings = {"history": history, "image_shape": data.image_shape, "path": None}
    return cr.write_report(
        net, data.X_test, data.y_test, training=(data.X_train, data.y_train),
        **(settings | options),
    )  # fmt: skip
