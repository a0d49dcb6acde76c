"""Every op of the table: its record is complete, and its rules say what its value does."""

from __future__ import annotations

import numpy as np
import pytest
from op_checks import CASES, Array, Case

import chainrule as cr
from chainrule.graph.op import FUNCTIONS, OPS, SPOKEN

every = pytest.mark.parametrize("case", CASES, ids=str)
NAMES = "abcdef"


def test_the_table_is_the_library() -> None:
    """A floor, so that a table that was not filled cannot pass every test by being empty."""
    assert len(OPS) >= 58
    assert {"matmul", "softmax_cross_entropy", "gelu", "index_add", "uniform"} <= set(OPS)
    assert all(op.name == name for name, op in OPS.items())


@pytest.mark.parametrize("name", sorted(set(OPS) - {"constant"}))
def test_an_op_has_examples_documentation_and_a_repr(name: str) -> None:
    mine = [case for case in CASES if case.op.name == name]
    assert mine
    assert OPS[name].__doc__
    for case in mine:
        assert repr(case.op).startswith(name)
        assert case.op == type(case.op)(**case.op.settings())
        assert hash(case.op) == hash(type(case.op)(**case.op.settings()))


def test_settings_tell_ops_of_one_class_apart() -> None:
    ops = cr.ops.reduce
    assert ops.Sum(0, True) == ops.Sum(0, True)
    assert ops.Sum(0, True) != ops.Sum(1, True)
    assert ops.Sum(0) != ops.Mean(0)


def rules_agree(case: Case, inputs: tuple[Array, ...]) -> None:
    value = np.asarray(case.op.value(np, *inputs))
    assert case.op.shape(*[x.shape for x in inputs]) == value.shape
    assert case.op.dtype(*[x.dtype for x in inputs]) == value.dtype


@every
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_shape_and_dtype_rules_for_floats(case: Case, dtype: str) -> None:
    rules_agree(case, tuple(x.astype(dtype) if x.dtype == np.float64 else x for x in case.inputs))


@every
def test_mixed_precision_follows_the_rule(case: Case) -> None:
    if len(case.floats) < 2:
        rules_agree(case, case.inputs)
        return
    mixed = list(case.inputs)
    mixed[case.floats[0]] = mixed[case.floats[0]].astype(np.float32)
    rules_agree(case, tuple(mixed))


@every
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_recorded_as_it_runs_the_value_is_the_same_bit_for_bit(case: Case, dtype: str) -> None:
    inputs = [x.astype(dtype) if x.dtype == np.float64 else x for x in case.inputs]
    for x in (inputs, [np.asfortranarray(x) for x in inputs]):
        expected = np.asarray(case.op.value(np, *x))
        found = np.asarray(case.op.on_arrays(*x))
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        assert found.tobytes() == expected.tobytes()


@every
@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_shape_and_dtype_rules_for_integers(case: Case, dtype: str) -> None:
    whole = tuple(
        (1 + np.abs(4 * x)).astype(dtype) if x.dtype == np.float64 else x for x in case.inputs
    )
    rules_agree(case, whole)


@every
def test_the_source_is_the_value(case: Case) -> None:
    names = NAMES[: len(case.inputs)]
    source = case.op.source(*names)
    namespace = {"np": np, **dict(zip(names, case.inputs, strict=True))}
    exec(case.op.helper, namespace)
    found = eval(source, namespace)
    np.testing.assert_allclose(found, case.value, rtol=1e-14, atol=1e-15)
    assert np.shape(found) == case.value.shape


@every
def test_the_formula_is_written(case: Case) -> None:
    names = NAMES[: len(case.inputs)]
    formula = case.op.formula(*names)
    assert formula.strip()
    assert formula.count("{") == formula.count("}")
    assert any(name in formula for name in names)
    assert "{0}" not in formula


def test_what_is_public_is_in_the_table_of_functions() -> None:
    names = set(cr.__all__) & set(OPS)
    assert names
    for name in names:
        assert getattr(cr, name) is FUNCTIONS[name]
    assert set(SPOKEN.values()) <= set(FUNCTIONS.values())
