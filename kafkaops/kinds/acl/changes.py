"""What can be done to access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kafkaops.access import AclBinding
from kafkaops.plan import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantAcl(Change):
    """An ACL that is to be: an ALLOW, or a DENY."""

    binding: AclBinding

    @property
    def carries(self) -> Mapping[str, str]:
        return self.binding.facts


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeAcl(Change):
    """An ACL that is to go."""

    binding: AclBinding

    @property
    def carries(self) -> Mapping[str, str]:
        return self.binding.facts
