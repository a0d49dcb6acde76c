"""Mutants: the chain rule as people get it wrong, one family of mistakes a file.

There are two sorts. A ``Mutant`` alters the rule of some nodes, so that every gradient further back
changes with it: its numbers are found by replaying the pass. A ``Slip`` is made in one line that
computes one parameter's gradient, and touches nothing else: its numbers are there at once.
"""
