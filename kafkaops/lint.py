"""Lint rules: what is legal and unwise. Each can be turned off, to a warning or to an error in `policy: lint`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafkaops.findings import Finding, Severity

RULES: Mapping[str, tuple[str, Severity]] = {
    "min-insync-above-replication": ("KO2001", Severity.WARNING),
    "min-insync-equals-replication": ("KO2002", Severity.WARNING),
    "replication-below-3": ("KO2004", Severity.WARNING),
    "segment-outlives-retention": ("KO2005", Severity.WARNING),
    "compact-ignores-retention": ("KO2006", Severity.WARNING),
    "unbounded-retention": ("KO2007", Severity.WARNING),
    "message-larger-than-segment": ("KO2008", Severity.WARNING),
    "no-cleanup": ("KO2009", Severity.WARNING),
    "unclean-leader-election": ("KO2010", Severity.WARNING),
    "uncompressed": ("KO2011", Severity.WARNING),
    "future-timestamps": ("KO2012", Severity.WARNING),
    "too-many-partitions": ("KO2013", Severity.WARNING),
    "tiered-local-retention": ("KO2014", Severity.WARNING),
    "min-insync-1": ("KO2015", Severity.WARNING),
    "naming": ("KO2016", Severity.ERROR),
    "retry-without-dead-letter": ("KO2017", Severity.WARNING),
    "owner-not-in-codeowners": ("KO2018", Severity.WARNING),
    "cross-domain-grant": ("KO3001", Severity.WARNING),
    "literal-star": ("KO3002", Severity.WARNING),
    "wide-grant": ("KO3105", Severity.WARNING),
}


def lint(rule: str, policy: Mapping[str, str], **words: Any) -> tuple[Finding, ...]:
    """The finding of a rule with the severity that the policy gives it; none when it is off."""
    code, severity = RULES[rule]
    chosen = policy.get(rule, severity.value)
    if chosen == "off":
        return ()
    return (Finding(code=code, severity=Severity(chosen), **words),)
