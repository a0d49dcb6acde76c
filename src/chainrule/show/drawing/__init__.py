"""Drawing: a graph as an SVG picture, laid out here, with no other program.

From the graph to the file: ``collapse`` chooses what is one box, ``picture`` what is written where,
``arrangement`` how large that is; ``layout`` places it (``grid``, ``order``, ``ports``, ``across``,
by ``simplex``), and ``svg`` writes it.
"""

from chainrule.show.drawing.drawing import Drawing, draw

__all__ = ["Drawing", "draw"]
