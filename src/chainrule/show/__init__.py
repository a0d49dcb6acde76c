"""Readers for people: a graph as formula, NumPy program, symbols, walk and drawing.

Each reads the same graph; none changes it. They are reached from the graph itself, as
``graph.formula()``, ``graph.program()``, ``graph.walk()``, ``graph.draw()``.
"""
