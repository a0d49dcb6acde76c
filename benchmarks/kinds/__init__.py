"""The kinds of workload, a module each.

``setup(work, contestant, share, file) -> turn``: makes ready in the contestant's process, ``file``
being where the data lie; ``turn()`` measures once and returns a ``Result``.
"""
