"""Hand-written networks, right ones and ones with a planted mistake: they mark the judge.

``draw(kind, number)`` writes the source of one program, the way people write them: NumPy by hand,
forward and backward, in one of several styles. With a kind, one mistake of that kind stands in it.
Nothing here knows how the judge works; what a program's gradient really is, is found by
differences of its own loss.
"""
