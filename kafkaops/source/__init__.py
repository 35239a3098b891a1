"""The topology folder as data: every `*.yaml` below it, with the place of each key and value; the only reader of yaml."""

from kafkaops.source.data import Block, Document, Row, item_location, key_location, locate, value_location
from kafkaops.source.folder import read
from kafkaops.source.text import parse

__all__ = [
    "Block",
    "Document",
    "Row",
    "item_location",
    "key_location",
    "locate",
    "parse",
    "read",
    "value_location",
]
