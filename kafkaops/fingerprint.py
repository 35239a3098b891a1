"""What an approval is bound to: a hash for each change, and one short fingerprint for the plan.

They hold the cluster's id, what is changed, and both its values; no commit, no time, no order, no place in a file, nothing that is left as it is. So an
unrelated merge makes no approved plan stale, and one other value does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from kafkaops.plan import Change, From, Value

FORM = re.compile(r"kp1(-[0-9a-f]{4}){3}", re.ASCII)
"""48 bits, for people to compare; what a machine compares is the hash of each change. What goes into it never changes under the name `kp1`."""


def of_change(cluster_id: str, change: Change) -> str:
    fields = sorted((field.name, side(field.before), side(field.after)) for field in change.fields)
    return of_content([cluster_id, change.id, change.address, change.action, fields, dict(change.carries)])


def of_plan(cluster_id: str, hashes: Iterable[str]) -> str:
    """`hashes`: of its changes."""
    digest = of_content([cluster_id, sorted(hashes)])
    return f"kp1-{digest[:4]}-{digest[4:8]}-{digest[8:12]}"


def of_content(content: Any) -> str:
    """Of plain data, whatever the order of its keys."""
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def side(value: Value | None) -> list[str]:
    """An override that is set to the default is not the same as none."""
    if value is None:
        return []
    match value.source:
        case From.FILE | From.TOPIC:
            return ["set", value.text]
        case From.UNKNOWN:
            return ["unknown", value.text]
        case From.BROKER_DYNAMIC | From.BROKER_STATIC | From.DEFAULT:
            return ["inherited", value.text]
