import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kafkaops.cluster.properties import grammar, keys, keystores, regular_file
from kafkaops.cluster.properties.grammar import Entry
from kafkaops.cluster.properties.references import References
from kafkaops.cluster.properties.refused import RefusedError

LIMIT = 256 * 1024
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


class PropertiesError(Exception):
    """A sentence about the file; of its text it repeats names of settings only."""

    def __init__(self, message: str, path: Path, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Part:
    """What one group of settings gives to the two clients."""

    confluent: dict[str, str | int | bool] = field(repr=False)
    kafka_python: dict[str, object] = field(repr=False)
    principal: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    path: Path
    entries: Mapping[str, Entry]  # by Java's name
    references: References

    def problem(self, name: str, message: str, hint: str | None = None) -> PropertiesError:
        """`name` is a setting in the file, or one that is missing there."""
        entry = self.entries.get(name)
        if entry is None:
            return PropertiesError(f"`{name}` {message}", self.path, None, hint)
        return PropertiesError(f"`{entry.key}` {message}", self.path, entry.line, hint)

    @contextmanager
    def blaming(self, name: str) -> Iterator[None]:
        try:
            yield
        except RefusedError as error:
            entry = self.entries[name]
            message = f"`{entry.key}`: {error.message}"
            raise PropertiesError(message, self.path, entry.line, error.hint) from None

    def plain(self, name: str) -> str | None:
        entry = self.entries.get(name)
        if entry is None:
            return None
        if "${" in entry.value:
            hint = "only user names, passwords, keys and client ids and secrets may refer to variables"
            raise self.problem(name, "must be written out, without `${`", hint)
        return entry.value.strip()

    def choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of `allowed` as it is spelled there; in the file, as for librdkafka, case does not matter."""
        text = self.plain(name)
        if text is None and default is not None:
            return default
        if text is None:
            raise self.problem(name, "is missing", f"write one of {', '.join(allowed)}")
        found = next((each for each in allowed if each.lower() == text.lower()), None)
        if found is None:
            raise self.problem(name, f"must be one of {', '.join(each or 'nothing' for each in allowed)}")
        return found

    def milliseconds(self, name: str, low: int, high: int) -> int | None:
        text = self.plain(name)
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise self.problem(name, f"must be a whole number from {low} to {high}")
        return int(text)

    def credential(self, name: str) -> str | None:
        entry = self.entries.get(name)
        return None if entry is None else self.resolved(name, entry.value)

    def resolved(self, name: str, text: str) -> str:
        with self.blaming(name):
            return self.references.resolve(text)

    def file(self, name: str) -> bytes | None:
        location = self.plain(name)
        if location is None:
            return None
        with self.blaming(name):
            return regular_file.read(self.path.parent / location, limit=keystores.LIMIT)

    def holds_a_secret(self) -> bool:
        """Written out, instead of a reference to it."""
        texts = [entry.value for name, entry in self.entries.items() if name in keys.SECRETS]
        return any("${" not in text and not text.startswith(("file:", "command:")) for text in texts)

    def at_most_one(self, *names: str) -> str | None:
        present = [name for name in names if name in self.entries]
        if len(present) > 1:
            first = self.entries[present[0]].key
            raise self.problem(present[1], f"and `{first}` say the same thing twice", "keep one of them")
        return present[0] if present else None


def read(path: Path, root: Path | None, references: References) -> Settings:
    return Settings(path, _entries(path, root), references)


def _entries(path: Path, root: Path | None) -> dict[str, Entry]:
    """By Java's name. Every key is known, and nothing is said twice."""
    found: dict[str, Entry] = {}
    for entry in _parsed(path, root):
        name = keys.SPELLINGS.get(entry.key, entry.key)
        if name not in keys.HONOURED | keys.HARMLESS:
            message, hint = keys.refusal(entry.key)
            raise PropertiesError(message, path, entry.line, hint)
        earlier = found.setdefault(name, entry)
        if earlier.key == entry.key and earlier is not entry:
            raise PropertiesError(f"`{entry.key}` is already on line {earlier.line}", path, entry.line)
        if earlier.value != entry.value:
            message = f"`{entry.key}` is the same setting as `{earlier.key}` on line {earlier.line}, with another value"
            raise PropertiesError(message, path, entry.line, "keep one of them")
    return found


def _parsed(path: Path, root: Path | None) -> list[Entry]:
    try:
        text = _text(regular_file.read(path, limit=LIMIT, root=root))
        return list(grammar.parse(text))
    except RefusedError as error:
        raise PropertiesError(error.message, path, error.line, error.hint) from None


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # what java.util.Properties reads; it accepts every byte
    if _CONTROL.search(text):
        raise RefusedError("this is not a text file")
    return text
