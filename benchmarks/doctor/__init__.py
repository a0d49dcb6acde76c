"""The doctor's bench: programs that suffer from one known fault, healthy ones, and the marks.

``hosts`` are the tasks; ``networks`` and ``byhand`` write the programs for them, with a ``Network``
of chainrule or as plain NumPy; ``faults`` and ``handfaults`` spoil them; ``odd`` are healthy
programs that look ill; ``training`` says which faults harm; ``marks`` and ``table`` add up.
"""
