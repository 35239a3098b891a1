"""What a test on a real Kafka works with: a prefix of its own on the shared cluster, a topology folder of its own, and the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import yaml

from kafkaops.cluster import AclBinding, KafkaError
from kafkaops.cluster.live import LiveCluster
from kafkaops.lint import RULES
from kafkaops.sandbox import Sandbox, add_scram_user

T = TypeVar("T")

SUPER_USERS = ["User:admin", "User:ANONYMOUS"]
_SET_BY_TESTS_ONLY = frozenset({"NO_COLOR", "FORCE_COLOR", "CI", "GITHUB_ACTIONS", "KAFKAOPS_CLIENT_CONFIG", "TERM"})


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run of the command line left behind."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def told(self) -> str:
        return self.stdout + self.stderr

    @property
    def document(self) -> dict[str, Any]:
        """What `-o json` wrote to stdout, where nothing else may stand."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found


def run(folder: Path, *arguments: str, env: Mapping[str, str] | None = None, limit: float = 90) -> Ran:
    """`kafkaops ARGUMENTS` in that folder, with nobody at stdin; more than `limit` seconds is a failure of the test."""
    begun = time.monotonic()
    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=limit,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode(), time.monotonic() - begun)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "kafkaops.cli", *arguments]


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Without what the terminal of a developer or a CI adds."""
    return {key: value for key, value in os.environ.items() if key not in _SET_BY_TESTS_ONLY} | dict(more)


@dataclass(frozen=True, slots=True)
class Desk:
    """`prefix` begins the name of all that the test makes: topics, groups, users. In files that it writes, `P` at the start of a name stands for it."""

    kafka: Sandbox
    admin: LiveCluster
    folder: Path
    prefix: str
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def topology(self) -> Path:
        return self.folder / "topology"

    def own(self, text: str) -> str:
        """`P.orders` and `P-reader` with the prefix for the P."""
        return text.replace("P.", f"{self.prefix}.").replace("P-", f"{self.prefix}-")

    def write(self, **files: str) -> None:
        """`orders="..."` is `topology/orders.yaml`."""
        for name, text in files.items():
            (self.topology / f"{name}.yaml").write_text(self.own(text))

    def settings(self, *, properties: str | None = None, **entry: object) -> None:
        """kafkaops.yaml with one cluster, `test`. `entry`: over its block, `_` for `-`, None takes a key out; `properties`: the client's, else the administrator's."""
        given = self.kafka.properties.read_text() if properties is None else properties
        (self.topology / "client.properties").write_text(given)
        block: dict[str, object] = {
            "bootstrap-servers": self.kafka.bootstrap.split(","),
            "cluster-id": self.kafka.cluster_id,
            "client-config": "client.properties",
            "authorizer": {"super-users": SUPER_USERS, "allow-everyone": False, "principal": "User:admin"},
        } | {key.replace("_", "-"): value for key, value in entry.items()}
        whole = {
            "version": 1,
            "policy": {"lint": dict.fromkeys(RULES, "off")},
            "clusters": {"test": {key: value for key, value in block.items() if value is not None}},
        }
        (self.topology / "kafkaops.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))

    # ---- the command line

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, limit: float = 90) -> Ran:
        return run(self.folder, *arguments, env=env, limit=limit)

    def plan(self) -> dict[str, Any]:
        return self.run("plan", "-o", "json").document

    def apply(self) -> None:
        ran = self.run("apply", "--yes")
        assert ran.code == 0, ran.told

    def assert_in_sync(self) -> None:
        """A fresh plan has nothing to do and nothing to say."""
        ran = self.run("plan", "-o", "json")
        assert ran.code == 0, ran.stderr
        made = ran.document
        assert (made["verdict"], made["changes"], made["findings"]) == ("in_sync", [], [])

    # ---- users

    def user(self, name: str, password: str | None = None) -> str:
        """Lets `PREFIX-name` log in, with a password of its own, once every broker knows it."""
        user = f"{self.prefix}-{name}"
        self.passwords[user] = password or f"secret-of-{user}"
        add_scram_user(self.kafka, user, self.passwords[user])
        return user

    def login(self, user: str) -> dict[str, str]:
        """As librdkafka spells it."""
        return {
            "bootstrap.servers": self.kafka.bootstrap,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.kafka.ca),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": self.passwords[user],
        }

    def properties_of(self, user: str) -> str:
        return "".join(f"{key}={value}\n" for key, value in self.login(user).items())

    # ---- what is live

    def topics(self) -> dict[str, tuple[str, int]]:
        """Name to id and number of partitions, of all that begin with the prefix."""
        names = self.admin.topic_names(self.admin.describe().brokers[0].id)
        return {name: facts for name, facts in names.items() if name.startswith(self.prefix)}

    def acls(self) -> set[AclBinding]:
        mine = f"User:{self.prefix}"
        found = given(self.admin.acls())
        return {acl for acl in found if acl.principal.startswith(mine) or acl.name.startswith(self.prefix)}

    def overrides(self, topic: str) -> dict[str, str | None]:
        name = self.own(topic)
        return {key: entry.value for key, entry in given(self.admin.topic_overrides([name])[name]).items()}

    def clear(self) -> None:
        """Takes away what begins with the prefix until nothing of it shows: what has just been made may show late."""
        until(lambda: not self._swept(), f"everything of {self.prefix} to go", seconds=60)

    def _swept(self) -> bool:
        topics, acls = self.topics(), self.acls()
        if topics:
            self.admin.delete_topics({name: topic_id for name, (topic_id, _) in topics.items()})
        if acls:
            self.admin.delete_acls(acls)
        return bool(topics or acls)


def begun(kafka: Sandbox, admin: LiveCluster, folder: Path) -> Desk:
    """A folder `topology` with its settings, and nothing declared."""
    (folder / "topology").mkdir()
    desk = Desk(kafka, admin, folder, next(_prefixes))
    desk.settings()
    return desk


_prefixes = (f"t{number}x" for number in count(1))  # none begins another one


def given(answer: T | KafkaError) -> T:
    assert not isinstance(answer, KafkaError), answer
    return answer


def until(condition: Callable[[], bool], awaited: str, seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"waited {seconds:g} s in vain for {awaited}"
        time.sleep(0.05)


def limit_changes(cluster: LiveCluster, *, per_second: float | None) -> None:
    from kafka.protocol.admin import AlterClientQuotasRequest  # noqa: PLC0415  # it warns when it is imported first

    entry = AlterClientQuotasRequest.EntryData
    change = entry.OpData(key="controller_mutation_rate", value=per_second or 0.0, remove=per_second is None)
    user = entry.EntityData(entity_type="user", entity_name="admin")
    answer = cluster._connections.ask(
        1, AlterClientQuotasRequest(entries=[entry(entity=[user], ops=[change])], validate_only=False)
    )
    assert [each.error_code for each in answer.entries] == [0]
