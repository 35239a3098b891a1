"""`kafkaops init`: what it lays down for a live cluster, and what it leaves alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from kafkaops import scaffold, topology
from kafkaops.cli import Options
from kafkaops.cluster import ClusterFailure, FailureKind
from kafkaops.cluster.properties import ClientConfig
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.commands import beginning
from kafkaops.findings import Exit
from kafkaops.topology import Topology
from kafkaops.view import machine

EVENTS = [f"order.order.{event}.v1" for event in ("created", "paid", "packed", "sent", "returned")]
LOGIN = (
    "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=kafkaops\nsasl.password=${PASSWORD}\n"
    "bootstrap.servers=broker-1:9092\n"
)
DOCS = Path(__file__).parents[1] / ".github" / "docs"
EDITORS = ("topology/kafkaops.yaml", "topology/kafkaops.schema.json", "topology/kafkaops.settings.schema.json")


def live(names: Iterable[str] = (), **more: Any) -> SnapshotCluster:
    return SnapshotCluster.from_dict({"topics": {name: {"partitions": 1, "replication": 1} for name in names}, **more})


@dataclass
class Place:
    """An empty folder, a cluster, and the command line."""

    root: Path
    cluster: SnapshotCluster = field(default_factory=lambda: live(EVENTS))
    asked: list[ClientConfig] = field(default_factory=list)

    def init(self, *, servers: str | None = None, properties: str | None = None, **flags: Any) -> int:
        options = Options(None, Path("topology"), None, [], False, False, "never", True)
        return beginning.init(
            replace(options, **flags),
            bootstrap_servers=servers,
            client_config=None if properties is None else Path(properties),
            open_=self.open,
        )

    def open(self, config: ClientConfig) -> SnapshotCluster:
        self.asked.append(config)
        return self.cluster

    def write(self, name: str, text: str) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    @property
    def files(self) -> dict[str, str]:
        return {str(path.relative_to(self.root)): path.read_text() for path in self.root.rglob("*") if path.is_file()}

    @property
    def topology(self) -> Topology:
        return topology.read(
            self.root / "topology", shown=lambda path: path.name, version="0.1.0", today=date(2026, 7, 1)
        )

    @property
    def entry(self) -> dict[str, Any]:
        (entry,) = yaml.safe_load(self.files["topology/kafkaops.yaml"])["clusters"].values()
        return dict(entry)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KAFKAOPS_CLIENT_CONFIG", raising=False)
    monkeypatch.setenv("PASSWORD", "hush")
    return Place(tmp_path)


# what is written


def test_the_settings_say_what_is_known_and_hint_at_what_kafka_does_not_tell(place: Place) -> None:
    assert place.init(properties=place.write("topology/production.properties", LOGIN)) == Exit.DONE

    assert place.files["topology/kafkaops.yaml"] == (
        "# yaml-language-server: $schema=kafkaops.settings.schema.json\n"
        "# The settings of this topology. Every other YAML file in this folder declares topics and who may use them.\n"
        "version: 1\n"
        "\n"
        "# As 5 of 5 topics are named; a new one that is not is an error.\n"
        "naming:\n"
        '  pattern: "{domain}.{entity}.{event-type}.{version}"\n'
        '  parts: {version: "v[0-9]+"} # the other parts: [a-z][a-z0-9-]*\n'
        "\n"
        "clusters:\n"
        "  production:\n"
        '    bootstrap-servers: ["broker-1:9092"]\n'
        "    cluster-id: snapshot-cluster-0001A # the pin that `apply` needs: a cluster with any other id is refused\n"
        "    client-config: production.properties # beside this file\n"
        '    kafka-version: "4.4" # settings are checked against this release\n'
        "    # Kafka does not tell these. What is not written here is unknown, and the first or last ACL of a topic then blocks.\n"
        "    authorizer:\n"
        '      principal: "User:kafkaops" # who kafkaops is; the plan that would lock it out is refused\n'
        "    #   super-users: [User:admin] # the brokers' super.users\n"
        "    #   allow-everyone: false # the brokers' allow.everyone.if.no.acl.found\n"
        "    #   brokers: [User:broker] # who the brokers are to each other; never locked out\n"
        "    #   break-glass: [User:on-call] # who must always get in\n"
        "\n"
        "policy:\n"
        "  lint:\n"
        "    cross-domain-grant: error # access to another domain's topics needs a `share:` line in its owner's file\n"
    )
    assert place.topology.findings == ()


@pytest.mark.parametrize("principal", ["User:kafkaops", None])
def test_the_hints_are_settings_once_their_signs_are_taken_away(principal: str | None) -> None:
    found = scaffold.Found(
        name="x", bootstrap_servers=("a:1",), cluster_id="i", kafka_version="", authorizer=True, principal=principal
    )
    text = scaffold.settings(found).replace("    # authorizer", "    authorizer").replace("    #   ", "      ")

    assert yaml.safe_load(text)["clusters"]["x"]["authorizer"] == {
        "principal": "User:kafkaops",
        "super-users": ["User:admin"],
        "allow-everyone": False,
        "brokers": ["User:broker"],
        "break-glass": ["User:on-call"],
    }


def test_a_cluster_without_an_authorizer_has_no_acls_to_manage(place: Place) -> None:
    place.cluster = live(authorizer=False)

    assert place.init(servers="broker-1:9092") == Exit.DONE

    assert place.entry == {
        "bootstrap-servers": ["broker-1:9092"],
        "cluster-id": "snapshot-cluster-0001A",
        "kafka-version": "4.4",
        "manage": {"acls": False},
    }


def test_internal_topics_are_no_part_of_a_convention(place: Place) -> None:
    place.cluster = live([*EVENTS[:4], "__a.b.c.v1", "_kafkaops.journal.x.v1"])

    assert place.init(servers="broker-1:9092") == Exit.DONE

    assert "naming" not in yaml.safe_load(place.files["topology/kafkaops.yaml"])


@pytest.mark.parametrize("name", ["yes", "1", "a: b", "#x", "\N{SNOWMAN}", 'a"b', "{x}", "*", " y"])
def test_a_cluster_may_have_any_name(place: Place, name: str) -> None:
    assert place.init(servers="broker-1:9092", cluster=name) == Exit.DONE

    assert list(place.topology.settings.clusters) == [name]


def test_what_guards_no_topic_yet_is_not_told_before_there_is_one(place: Place) -> None:
    place.cluster = live([*EVENTS, f"{EVENTS[0]}-dlt"])

    assert place.init(servers="broker-1:9092") == Exit.DONE

    assert place.topology.settings.naming.exempt == ("*-dlt",)
    assert place.topology.findings == ()


def test_the_schemas_are_those_that_are_published_and_beside_the_settings(place: Place) -> None:
    assert place.init(servers="broker-1:9092") == Exit.DONE

    for name in ("schema", "settings.schema"):
        example = Path(__file__).parent.parent / "topology" / f"kafkaops.{name}.json"
        assert place.files[f"topology/kafkaops.{name}.json"] == example.read_text(encoding="utf-8")


@pytest.mark.parametrize("gitlab", [False, True])
def test_the_pipelines_are_those_of_where_the_repository_is(place: Place, *, gitlab: bool) -> None:
    if gitlab:
        place.write(".git/config", '[remote "origin"]\n\turl = git@gitlab.example.com:team/kafka.git\n')
    starter = Path(scaffold.__file__).parent / "starter"
    names = [one.name for one in starter.glob("*") if one.name.startswith("gitlab") == gitlab]
    wanted = {".gitlab-ci.yml" if gitlab else f".github/workflows/{name}": name for name in names}

    assert place.init(servers="broker-1:9092") == Exit.DONE

    written = {name: text for name, text in place.files.items() if name.endswith(".yml")}
    assert written == {path: (starter / name).read_text(encoding="utf-8") for path, name in wanted.items()}


@pytest.mark.parametrize(
    ("login", "ignored"),
    [
        (LOGIN, False),
        (LOGIN.replace("${PASSWORD}", "hush"), True),
        ("bootstrap.servers=broker-1:9092\n", False),
    ],
)
def test_git_ignores_properties_that_hold_a_secret_and_no_others(place: Place, login: str, *, ignored: bool) -> None:
    assert place.init(properties=place.write("topology/production.properties", login)) == Exit.DONE

    assert ("/topology/production.properties" in place.files[".gitignore"].splitlines()) == ignored
    assert "hush" not in "".join(text for name, text in place.files.items() if not name.endswith(".properties"))


@pytest.mark.parametrize("by_flag", [True, False])
def test_git_ignores_properties_that_hold_a_secret_wherever_they_lie_in_the_repository(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, by_flag: bool
) -> None:
    login = place.write("logins/production.properties", LOGIN.replace("${PASSWORD}", "hush"))
    if not by_flag:
        monkeypatch.setenv("KAFKAOPS_CLIENT_CONFIG", login)

    assert place.init(properties=login if by_flag else None) == Exit.DONE

    assert "/logins/production.properties" in place.files[".gitignore"].splitlines()
    assert "logins/production.properties holds a secret" in capsys.readouterr().out


@pytest.mark.parametrize("page", ["offline.md", "formats.md", "ci.md"])
def test_git_ignores_the_plans_and_snapshots_that_the_documentation_writes(place: Place, page: str) -> None:
    assert place.init(servers="broker-1:9092") == Exit.DONE

    ignored = [line.removeprefix("/") for line in place.files[".gitignore"].splitlines() if line.startswith("/")]
    text = (DOCS / page).read_text(encoding="utf-8")
    written = re.findall(r"(?:-o |json=|markdown=|--against |comment (?:--issue )?)([\w{}-]+\.(?:json|md))", text)
    assert written
    assert [file for file in written if not any(fnmatch(file, pattern) for pattern in ignored)] == []


def test_git_ignores_no_file_outside_of_the_repository(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    login = tmp_path_factory.mktemp("elsewhere") / "production.properties"
    login.write_text(LOGIN.replace("${PASSWORD}", "hush"))

    assert place.init(properties=str(login)) == Exit.DONE

    assert "production.properties" not in place.files[".gitignore"]


# what is left alone


def test_settings_that_are_there_are_never_written_over(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.write("topology/kafkaops.yaml", "version: 1\n")
    before = place.files

    assert place.init(servers="broker-1:9092") == Exit.USAGE

    assert place.files == before
    assert place.asked == []
    assert "`topology/kafkaops.yaml` is there already" in capsys.readouterr().err


def test_any_other_file_that_is_there_is_left_and_told(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.write(".gitignore", "mine\n")

    assert place.init(servers="broker-1:9092") == Exit.DONE

    assert place.files[".gitignore"] == "mine\n"
    assert "left      .gitignore, which is there already" in capsys.readouterr().out


@pytest.mark.parametrize("link", ["topology", "topology/kafkaops.yaml"])
def test_no_link_is_followed(place: Place, tmp_path_factory: pytest.TempPathFactory, link: str) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (place.root / link).parent.mkdir(exist_ok=True)
    (place.root / link).symlink_to(elsewhere / "x" if link.endswith(".yaml") else elsewhere)

    assert place.init(servers="broker-1:9092") in {Exit.USAGE, Exit.FAILED}

    assert list(elsewhere.iterdir()) == []
    assert place.files == {}


def test_a_link_on_the_way_to_a_file_keeps_all_of_them_from_being_written(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (place.root / ".github").symlink_to(elsewhere)
    texts = {PurePosixPath(name): "" for name in ("topology/one", ".github/workflows/plan.yml")}

    with pytest.raises(scaffold.CannotWrite, match="is a link, and links are not followed"):
        scaffold.write(place.root, texts)

    assert [path.name for path in place.root.iterdir()] == [".github"]
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("folder", ["..", "../other", "/elsewhere"])
def test_nothing_is_written_outside_of_the_folder(place: Place, folder: str) -> None:
    assert place.init(servers="broker-1:9092", topology=Path(folder)) == Exit.USAGE

    assert place.asked == []
    assert not (place.root.parent / "other").exists()


def test_all_is_written_or_nothing(place: Place) -> None:
    place.write("in-the-way", "")
    texts = {PurePosixPath(name): "" for name in ("a/b/one", "a/two", "in-the-way/three")}

    with pytest.raises(scaffold.CannotWrite, match="`in-the-way` is no folder"):
        scaffold.write(place.root, texts)

    assert [path.name for path in place.root.iterdir()] == ["in-the-way"]


@pytest.mark.parametrize("kind", [FailureKind.UNREACHABLE, FailureKind.REFUSED])
def test_without_a_cluster_nothing_is_written(place: Place, monkeypatch: pytest.MonkeyPatch, kind: FailureKind) -> None:
    def refuse() -> None:
        raise ClusterFailure(kind, "no answer")

    monkeypatch.setattr(place.cluster, "describe", refuse)

    assert place.init(servers="broker-1:9092") == {"unreachable": Exit.UNREACHABLE, "refused": Exit.REFUSED}[kind]
    assert place.files == {}


# how the cluster is reached


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({}, "neither brokers nor client properties are named"),
        ({"servers": "broker-1"}, "`broker-1` in `--bootstrap-servers` is not HOST:PORT"),
        ({"servers": "a:1,"}, "`` in `--bootstrap-servers` is not HOST:PORT"),
        ({"servers": "a:99999"}, "`a:99999` in `--bootstrap-servers` is not HOST:PORT"),
        ({"servers": "a:1", "cluster": ""}, "`--cluster` is no name"),
        ({"servers": "a:1", "cluster": "a\nb"}, "`--cluster` is no name"),
        (
            {"servers": "a:1", "properties": "client.properties"},
            "`--bootstrap-servers a:1`, and the client properties name",
        ),
    ],
)
def test_what_cannot_take_effect_is_refused(
    place: Place, capsys: pytest.CaptureFixture[str], flags: dict[str, Any], told: str
) -> None:
    place.write("client.properties", LOGIN)
    before = place.files

    assert place.init(**flags) == Exit.USAGE

    assert told in " ".join(capsys.readouterr().err.split())
    assert place.files == before


def test_two_files_for_one_login_are_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKAOPS_CLIENT_CONFIG", place.write("one.properties", LOGIN))

    assert place.init(properties=place.write("two.properties", LOGIN)) == Exit.USAGE
    assert place.init(properties="one.properties") == Exit.DONE


def test_properties_outside_of_the_topology_are_named_by_the_next_command(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.init(properties=place.write("client.properties", LOGIN), topology=Path("east")) == Exit.DONE

    assert "client-config" not in yaml.safe_load(place.files["east/kafkaops.yaml"])["clusters"]["production"]
    assert capsys.readouterr().out.endswith(
        "  to go on  export KAFKAOPS_CLIENT_CONFIG=client.properties\n"
        "            kafkaops pull --topology east\n"
        "            kafkaops plan --topology east\n"
    )


# the document


@pytest.mark.parametrize("flags", [{"servers": "broker-1:9092"}, {"servers": "broker-1"}])
def test_the_document_follows_its_schema_however_it_ends(
    place: Place, capsys: pytest.CaptureFixture[str], flags: dict[str, Any]
) -> None:
    code = place.init(**flags, output=["json"])

    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(machine.schema("kafkaops.init")).validate(document)
    assert (document["format"], document["exit_code"]) == ("kafkaops.init", code)
    if code == Exit.DONE:
        assert document["naming"] == {"pattern": "{domain}.{entity}.{event-type}.{version}", "fit": 5, "of": 5}
        assert sorted(document["written"]) == sorted(place.files)
        assert set(EDITORS) <= set(document["written"])
