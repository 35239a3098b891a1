"""Where each part of a file is written: for editing the text without writing the rest of it anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Part:
    """One value: the characters `start` to `end` of the text. What an alias stands for is the part inside the anchor.

    end    of a block, where the next thing begins, behind comments and blank lines
    flow   written with brackets
    keys   of a mapping, those that stand in it, `<<` among them: each with where it starts, and its value
    items  of a list
    """

    start: int
    end: int
    flow: bool = False
    keys: Mapping[str, tuple[int, Part]] = field(default_factory=dict)
    items: tuple[Part, ...] = ()
    is_mapping: bool = False
    is_list: bool = False


def outline(text: str) -> Part | None:
    """Of a text that `parse` takes, without byte order mark; None for one that holds nothing."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    return None if root is None else _part(root, {})


def parts(root: Part) -> Iterator[Part]:
    """Every part once, as the text has them."""
    seen: set[int] = set()
    ahead = [root]
    while ahead:
        one = ahead.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            ahead += reversed([*(value for _, value in one.keys.values()), *one.items])


def _part(node: Any, known: dict[int, Part]) -> Part:
    if id(node) not in known:
        known[id(node)] = _new(node, known)
    return known[id(node)]


def _new(node: Any, known: dict[int, Part]) -> Part:
    start, end = node.start_mark.index, node.end_mark.index
    match node:
        case yaml.MappingNode():
            keys = {key.value: (key.start_mark.index, _part(value, known)) for key, value in node.value}
            return Part(start, end, flow=bool(node.flow_style), keys=keys, is_mapping=True)
        case yaml.SequenceNode():
            items = tuple(_part(item, known) for item in node.value)
            return Part(start, end, flow=bool(node.flow_style), items=items, is_list=True)
        case _:
            return Part(start, end)
