"""A diagnosis: the findings in order, the verdict, and what was looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.doctor.account import account
from chainrule.doctor.finding import Finding

HEALTHY, ILL, CANNOT_TELL, UNLUCKY = "healthy", "ill", "cannot tell", "unlucky"


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor concludes.

    Attributes:
        findings: ranked, the cause to repair first in front.
        verdict: "healthy", "ill", "cannot tell" or "unlucky" (nothing is wrong, another start is
            all it takes).
        summary: the verdict in a sentence, with the losses that it rests on.
        examined: what was looked at. not_judged: what was not, and why.
        seconds: how long it took.
    """

    findings: tuple[Finding, ...]
    verdict: str
    summary: str = ""
    examined: tuple[str, ...] = ()
    not_judged: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing wrong was found."""
        return self.verdict == HEALTHY

    def __str__(self) -> str:
        return account(self)

    def __repr__(self) -> str:
        names = ", ".join(finding.name for finding in self.findings)
        return f"<Diagnosis: {self.verdict}{f': {names}' if names else ''}>"
