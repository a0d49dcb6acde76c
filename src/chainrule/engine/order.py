"""The order of calls: what is moved before other calls, without any change to a result."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chainrule.engine.calls import Call, Slot


def numbers_first(calls: Sequence[Call]) -> list[Call]:
    """The same calls, those on single numbers as early as they can be.

    So they do not stand between two long ones.
    """
    place: dict[Slot, int] = {}
    for i, call in enumerate(calls):
        is_number = call.kind in ("ufunc", "copy") and call.writes.size == 1
        before = (place.get(x.root, -1) for x in call.reads)
        place[call.writes] = max(before, default=-1) if is_number else i
    return sorted(calls, key=lambda call: place[call.writes])


def unchanging_first(
    calls: Sequence[Call], changing: Collection[Slot] | None
) -> tuple[list[Call], list[Call]]:
    """In a loop: the calls that read nothing of what is ``changing`` in it, and the rest.

    None stands for a step that is no part of a loop, where there is nothing to gain.
    """
    if changing is None:
        return [], list(calls)
    touched = set(changing)
    first: list[Call] = []
    rest: list[Call] = []
    for call in calls:
        if any(x.root in touched for x in call.reads):
            touched.add(call.writes)
            rest.append(call)
        else:
            first.append(call)
    return first, rest
