"""Data to learn from: logic gates, point clouds, digits, MNIST, IDX files and tables.

Everything here hands out NumPy arrays with one sample a row. Importing the package loads NumPy
and the standard library; scikit-learn (``digits``, encoding tables), pooch and rich (the MNIST
download) are imported by the functions that need them.
"""

from __future__ import annotations

from chainrule.data.clouds import blobs, circles, moons, spirals
from chainrule.data.csv_table import read_csv
from chainrule.data.dataset import Dataset
from chainrule.data.digits import digits
from chainrule.data.encoding import TableEncoder
from chainrule.data.facts import TableFacts
from chainrule.data.gates import gate
from chainrule.data.idx import read_idx
from chainrule.data.mnist import find_mnist, mnist
from chainrule.data.table import Table
from chainrule.data.table_file import TableFile, open_table, read_table

__all__ = [
    "Dataset",
    "Table",
    "TableEncoder",
    "TableFacts",
    "TableFile",
    "blobs",
    "circles",
    "digits",
    "find_mnist",
    "gate",
    "mnist",
    "moons",
    "open_table",
    "read_csv",
    "read_idx",
    "read_table",
    "spirals",
]
