"""What a second reading of one resource finds otherwise than the first; the only user of deepdiff."""

from __future__ import annotations

from collections.abc import Iterator

from kafkaops.findings import Finding
from kafkaops.plan import Change


def moved(planned: Change, found: Change | Finding | None) -> str:
    """One sentence that names each thing that is not as it was when the plan was made, with both values."""
    if found is None:
        return "it is no longer to be done: the cluster was changed since this plan was made"
    if isinstance(found, Finding):
        return f"the cluster was changed since this plan was made, and now it is blocked: {found.code} {found.message}"
    told = ", ".join(_differences(planned, found))
    return f"the cluster was changed since this plan was made: {told or 'what it takes is another thing now'}"


def _differences(planned: Change, found: Change) -> Iterator[str]:
    from deepdiff import DeepDiff  # noqa: PLC0415  # slow to load, and only needed when something moved

    found_otherwise = DeepDiff(_befores(planned), _befores(found), view="tree")
    for level in sorted(found_otherwise.get("values_changed", ()), key=str):
        yield f"{level.path(output_format='list')[0]} was {level.t1}, is now {level.t2}"


def _befores(change: Change) -> dict[str, str]:
    return {field.name: field.before.display if field.before else "absent" for field in change.fields}
