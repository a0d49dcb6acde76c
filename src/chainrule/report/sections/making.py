"""How to make it again: the command, the seed, the versions."""

from __future__ import annotations

import platform
from importlib import metadata

from chainrule.report.blocks import Block, Code, Facts, Section
from chainrule.report.material import Material

PACKAGES = ("chainrule", "numpy", "scikit-learn", "scipy", "jax")


def section(material: Material) -> Section:
    """The command and what it ran on."""
    blocks: list[Block | str] = []
    if material.command:
        blocks.append(
            Code(
                material.command,
                "This command makes the run again: with the same versions and data it learns the "
                "same numbers, for every random choice comes from a seed.",
            )
        )
    blocks.append(
        Facts(
            versions(),
            f"On {platform.system()} {platform.machine()}. The report's own random choices "
            f"(resampling, shuffles) come from seed {material.seed}.",
        )
    )
    return Section("making", "How to make it again", blocks)


def versions() -> list[tuple[str, str]]:
    """Python and the packages that are installed, each with its version."""
    found = [("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found
