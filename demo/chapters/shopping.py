"""Chapter 3: the chain rule, on a bill."""

from __future__ import annotations

import inspect
from typing import Any

from page import Chapter, Code, Table
from wording import number

import chainrule as cr

APPLES, PRICE, TAX = 2.0, 100.0, 1.1


def bill(apples: Any, price: Any, tax: Any) -> Any:
    """What the apples cost in the end."""
    goods = apples * price
    return goods * tax


def chapter() -> Chapter:
    """The bill as a graph, run forward and backward."""
    apples = cr.tensor(APPLES, name="apples")
    price = cr.tensor(PRICE, name="price")
    tax = cr.tensor(TAX, name="tax")
    goods = apples * price
    total = goods * tax
    total.backward()
    rows = [
        (name, number(node.value), number(node.grad), meaning)
        for name, node, meaning in (
            ("total", total, "where the way back starts"),
            ("tax", tax, "one more on the tax factor adds this to the bill"),
            ("apples × price", goods, "one more on the price before tax"),
            ("apples", apples, "one more apple"),
            ("price", price, "one more on the price of an apple"),
        )
    ]
    dearer = float(bill(APPLES, PRICE + 1, TAX)) - float(bill(APPLES, PRICE, TAX))
    assert price.grad is not None
    return Chapter(
        "The chain rule, on a shopping bill",
        [
            "A network has thousands of numbers. To know every slope at once there is a trick, "
            f"and a bill is enough to see it: {number(APPLES)} apples at {number(PRICE)} each, "
            f"and a tax that multiplies by {number(TAX)}. The computation is written down as a "
            "graph while it runs, one line for each operation.",
            Code(inspect.getsource(bill).rstrip(), "The bill, in Python."),
            Code(
                str(cr.trace(bill, apples, price, tax)),
                "The recorded graph, as chainrule prints it: each line has a number, what it is, "
                "the lines that it is computed from, its type, and the line of Python that caused "
                "it.",
            ),
            "Read downwards, it computes the bill. Now read it upwards. Start with 1 at the end, "
            "and at each line ask only a local question: how much does this product change when "
            "one of its factors does? For a product the answer is the other factor. Multiply what "
            "came from below by the local answer and hand it up. This is the chain rule, and all "
            "of backpropagation.",
            Table(
                ("node", "value", "gradient", "what the gradient says"),
                rows,
                "Values from the way down, gradients from the way up, both from a real "
                "`total.backward()`. One pass gave all of them.",
            ),
            f"You can check it without any rule. With an apple at {number(PRICE + 1)} instead of "
            f"{number(PRICE)} the bill grows by {number(dearer)}, and the gradient of the price "
            f"is {number(price.grad)}. But this way each question costs a whole new bill; "
            "chapter 8 measures what that means for a network.",
        ],
    )
