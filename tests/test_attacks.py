"""Hostile files, flags and surroundings against the real command line: each is refused at once, with nothing leaked and nothing changed.

No broker is needed: whatever passes the files ends at a port where nobody listens.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kafkaops.view.visible import visible

SECRET = "hunter2"  # stands in every file that must not be quoted
SETTINGS = "version: 1\nclusters:\n  main: {bootstrap-servers: ['127.0.0.1:1']}\n"
WITH_FILE = SETTINGS.replace("]}", "], client-config: client.properties}")
TOPIC = "partitions: 1, replication-factor: 3, min-insync-replicas: 2"
LONG = "order." + "a" * 243  # the longest name that Kafka takes

HANGS = 30  # seconds, on a machine that does other things too
AT_ONCE = 5.0  # seconds of its own work


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def codes(self) -> set[str]:
        return {finding["code"] for finding in self.document["findings"]}

    @property
    def messages(self) -> list[str]:
        return [finding["message"] for finding in self.document["findings"]]


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with a sound topology, in which the command line runs."""

    folder: Path

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / "topology" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def run(self, *arguments: str | bytes, environ: Mapping[str, str] | None = None) -> Ended:
        """Hangs and tracebacks are failures, whatever the test asks."""
        before = _work()
        done = subprocess.run(
            [sys.executable, "-m", "kafkaops.cli", *arguments],
            cwd=self.folder,
            env=_environ(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=HANGS,
            check=False,
        )
        ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ended.err
        assert "Warning" not in ended.err
        assert SECRET not in ended.out + ended.err
        assert _work() - before < AT_ONCE
        return ended

    def validate(self, code: int, *arguments: str) -> Ended:
        """In both formats: JSON on stdout, and the screen on stderr because it failed."""
        return _in_both_formats(self.run("validate", "-o", "json", *arguments), code)

    def plan(self, code: int, *arguments: str, environ: Mapping[str, str] | None = None) -> Ended:
        return _in_both_formats(self.run("plan", "-o", "json", *arguments, environ=environ), code)


def _environ(more: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKAOPS_", "PYTHON"))}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[1])} | dict(more or {})


def _work() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _in_both_formats(ended: Ended, code: int) -> Ended:
    assert (ended.code, ended.document["exit_code"]) == (code, code), ended.err
    assert ended.out.isascii()
    for line in ended.err.splitlines():
        assert visible(line) == line
    return ended


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.write("kafkaops.yaml", SETTINGS)
    made.write(
        "order.yaml",
        "topics:\n  order.order.created.v1: {partitions: 1, replication-factor: 3, min-insync-replicas: 2}\n",
    )
    return made


def test_the_sound_topology_is_valid_and_its_cluster_is_not_there(home: Home) -> None:
    """Else every refusal below would prove nothing."""
    assert home.validate(0).codes == set()
    assert home.plan(69).messages == ["`127.0.0.1:1` refused the connection: nothing listens there"]


# ---- where files may be


def test_a_link_out_of_the_folder(home: Home) -> None:
    (home.folder / "passwd").write_text(f"{SECRET}: 1\n")
    (home.folder / "topology" / "x.yaml").symlink_to("../passwd")

    assert home.validate(4).messages == ["`topology/x.yaml` is a link that leaves the topology folder"]
    assert home.plan(4).codes == {"KO1001"}


def test_a_folder_that_is_a_link_out(home: Home) -> None:
    (home.folder / "else").mkdir()
    (home.folder / "else" / "x.yaml").write_text(f"{SECRET}: 1\n")
    (home.folder / "topology" / "sub").symlink_to("../else")

    assert home.validate(4).messages == ["`topology/sub` is a link to a folder, and such links are not followed"]


def test_a_client_config_that_is_a_link_out(home: Home) -> None:
    (home.folder / "passwd").write_text(f"sasl.password={SECRET}\n")
    (home.folder / "topology" / "client.properties").symlink_to("../passwd")
    home.write("kafkaops.yaml", WITH_FILE)

    assert home.plan(4).messages == ["the file is outside of the folder that it must be in"]


@pytest.mark.parametrize("path", ["../passwd", "sub/../../passwd", "/etc/passwd", "/dev/zero", "//dev/stdin"])
def test_a_client_config_outside_of_the_folder(home: Home, path: str) -> None:
    (home.folder / "passwd").write_text(f"sasl.password={SECRET}\n")
    (home.folder / "topology" / "sub").mkdir()
    home.write("kafkaops.yaml", WITH_FILE.replace("client.properties", path))

    assert home.plan(4).codes == {"KO6010"}


def test_a_secret_outside_of_the_folder(home: Home) -> None:
    (home.folder / "passwd").write_text(f"{SECRET}\n")
    home.write("kafkaops.yaml", WITH_FILE)
    login = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=me\nsasl.password=file:../passwd\n"
    home.write("client.properties", login)

    assert home.plan(4).codes == {"KO6010"}


def test_a_fifo_and_a_device_among_the_files(home: Home) -> None:
    os.mkfifo(home.folder / "topology" / "x.yaml")
    (home.folder / "topology" / "y.yaml").symlink_to("/dev/zero")

    assert home.validate(4).messages == [
        "`topology/x.yaml` is not a regular file",
        "`topology/y.yaml` is a link that leaves the topology folder",
    ]


def test_a_fifo_as_the_client_config(home: Home) -> None:
    home.write("kafkaops.yaml", WITH_FILE)
    os.mkfifo(home.folder / "topology" / "client.properties")

    assert home.plan(4).messages == ["this is not a regular file"]


@pytest.mark.parametrize("which", ["a folder", "a FIFO", "a device", "nothing"])
def test_an_operators_file_that_is_none(home: Home, which: str) -> None:
    path = home.folder / "operators"
    match which:
        case "a folder":
            path.mkdir()
        case "a FIFO":
            os.mkfifo(path)
        case "a device":
            path.symlink_to("/dev/zero")

    assert home.plan(4, environ={"KAFKAOPS_CLIENT_CONFIG": str(path)}).messages in (
        ["this is not a regular file"],
        ["the file cannot be read: no such file or directory"],
    )


# ---- what a client properties file may say


CODE = [
    "plugin.library.paths=/tmp/x.so",
    "plugin.library.paths = /tmp/x.so",
    "  plugin.library.paths:/tmp/x.so",
    "plugin.library.paths /tmp/x.so",
    "plug\\u0069n.library.paths=/tmp/x.so",
    "plugin\\.library.paths=/tmp/x.so",
    "plugin.\\\n    library.paths=/tmp/x.so",
    "client.id=a\\\n\nplugin.library.paths=/tmp/x.so",
    "plugin.library.paths=",
    "PLUGIN.LIBRARY.PATHS=/tmp/x.so",
    "ssl.engine.location=/tmp/x.so",
    "ssl.providers=/tmp/x.so",
    "security.providers=Evil",
    "metric.reporters=Evil",
    "sasl.login.callback.handler.class=Evil",
    "interceptor.classes=Evil",
    "sasl.kerberos.kinit.cmd=touch /tmp/x",
    "log_level=7",
    "debug=all",
    "enable.ssl.certificate.verification=false",
]


def test_a_setting_that_runs_code_or_weakens_the_connection_is_refused(home: Home) -> None:
    refused_one_by_one(home, [f"security.protocol=PLAINTEXT\n{line}\n" for line in CODE])


def refused_one_by_one(home: Home, files: list[str]) -> None:
    """Each is the client properties of a cluster of its own."""
    clusters = "".join(
        f"  c{number}: {{bootstrap-servers: ['127.0.0.1:1'], client-config: c{number}.properties}}\n"
        for number in range(len(files))
    )
    home.write("kafkaops.yaml", f"version: 1\nclusters:\n{clusters}")
    for number, text in enumerate(files):
        home.write(f"c{number}.properties", text)

    ended = home.run("plan", "-o", "json={cluster}.json")

    assert ended.code == 4
    for number, text in enumerate(files):
        written = (home.folder / f"c{number}.json").read_text()
        assert SECRET not in written
        assert [finding["code"] for finding in json.loads(written)["findings"]] == ["KO6010"], text


def test_a_command_in_a_file_of_the_repository(home: Home) -> None:
    home.write("kafkaops.yaml", WITH_FILE)
    login = (
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=me\nsasl.password=command:touch ran\n"
    )
    home.write("client.properties", login)

    assert home.plan(4).codes == {"KO6010"}
    assert not (home.folder / "ran").exists()


UNSOUND = [
    f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=me\nsasl.passwrod={SECRET}\n",
    f"security.protocol=SASL_SSL\nsasl.mechanism={SECRET}\nsasl.password={SECRET}\n",
    f"security.protocol={SECRET}\nsasl.password={SECRET}\n",
    f"{SECRET}\n",
    f"{SECRET}={SECRET}\n",
    f"sasl.password={SECRET}\nsasl.password={SECRET}2\n",
    f"sasl.password={SECRET}\\u00zz\n",
    f'security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=Plain required password="{SECRET}\n',
    f'security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config={SECRET} required username="{SECRET}";\n',
    f"security.protocol=SSL\nssl.truststore.location={SECRET}\nssl.truststore.password={SECRET}\n",
    f"bootstrap.servers={SECRET}\n",
    f"request.timeout.ms={SECRET}\n",
    f"\0{SECRET}\n",
]


def test_no_text_of_a_client_properties_file_is_quoted(home: Home) -> None:
    refused_one_by_one(home, UNSOUND)


# ---- what YAML may say


TAGS = [
    "!!python/object/apply:os.system ['touch ran']\n",
    "topics: !!python/object/apply:os.system ['touch ran']\n",
    "topics: !!python/object/new:subprocess.Popen [[touch, ran]]\n",
    "topics: !!python/name:os.system\n",
    "%TAG ! tag:yaml.org,2002:python/object/apply:\n---\ntopics: !os.system ['touch ran']\n",
    "topics: !include /etc/passwd\n",
    "topics: !!binary aGk=\n",
    "topics: {a: !!set {b}}\n",
]


def test_a_tag_is_refused_and_runs_nothing(home: Home) -> None:
    assert each_is_refused(home, TAGS) <= {"KO1002", "KO1003", "KO1004", "KO1005", "KO1007"}
    assert not (home.folder / "ran").exists()


def each_is_refused(home: Home, files: Sequence[str | bytes]) -> set[str]:
    """The codes of all; every file has an error of its own."""
    for number, text in enumerate(files):
        home.write(f"x{number}.yaml", text)

    ended = home.validate(4)

    errors = [finding for finding in ended.document["findings"] if finding["severity"] == "error"]
    blamed = {finding["source"]["file"] for finding in errors}
    assert blamed == {f"topology/x{number}.yaml" for number in range(len(files))}
    return {finding["code"] for finding in errors}


BOMB = "topics:\n  a0: &a0 {config: {retention.ms: 1}}\n" + "".join(
    f"  a{depth}: &a{depth} {{config: [{', '.join([f'*a{depth - 1}'] * 9)}]}}\n" for depth in range(1, 30)
)
MERGES = "topics:\n  a0: &a0 {k: 1}\n" + "".join(
    f"  a{depth}: &a{depth}\n    <<: [{', '.join([f'*a{depth - 1}'] * 9)}]\n" for depth in range(1, 30)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        MERGES,
        "topics: &a\n  x: *a\n",
        "topics: " + "[" * 100_000,
        "topics: " + "{a: " * 10_000 + "1" + "}" * 10_000,
        "\n".join(" " * depth + "- " for depth in range(2_000)),
        "topics: [*nobody]\n",
        "a: 1\n---\nb: 2\n",
    ],
    ids=["aliases", "merges", "itself", "lists", "mappings", "indented", "no anchor", "two documents"],
)
def test_a_bomb_ends_at_once(home: Home, text: str) -> None:
    home.write("x.yaml", text)

    ended = home.validate(4)

    assert len(ended.out) < 100_000
    assert len(ended.err) < 20_000


def test_a_file_of_100_mb(home: Home) -> None:
    with (home.folder / "topology" / "x.yaml").open("wb") as file:
        file.write(b"topics:\n")
        file.truncate(100_000_000)

    assert home.validate(4).messages == ["`topology/x.yaml` is larger than 8 MiB"]


BYTES = [
    b"topics: {a\0b: 1}\n",
    b"topics: {a\xff: 1}\n",
    b"\xff\xfet\0o\0p\0",
    b"topics: {\x1b[31m: 1}\n",
    b"topics: {a\xc2\x85b: 1}\n",
    b"topics: {a: \xed\xa0\x80}\n",
    b"\xef\xbb\xbftopic: 1\n",
    b"topics:\r\n  Bad Name: {partitions: 1}\r\n",
    b"topics:\r  a: 1\r",
    b"topics:\n\ta: 1\n",
]


def test_bytes_that_are_no_plain_text_are_refused(home: Home) -> None:
    each_is_refused(home, BYTES)


def test_line_ends_of_windows_change_nothing(home: Home) -> None:
    (home.folder / "topology" / "order.yaml").write_bytes(
        b"topics:\r\n  order.order.created.v1:\r\n    partitions: 1\r\n    replication-factor: 3\r\n    min-insync-replicas: 2\r\n"
    )

    assert home.validate(0).codes == set()


PROPERTIES = f"security.protocol=SASL_SSL\nsasl.password={SECRET}\n"


FOREIGN = [
    PROPERTIES,
    f"sasl.password: {SECRET}\nsecurity.protocol: SASL_SSL\n",
    json.dumps({"type": "service_account", "private_key": f"-----BEGIN {SECRET}", "client_secret": SECRET}),
    f"apiVersion: v1\nkind: Secret\nstringData: {{password: {SECRET}}}\n",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n",
    f"{SECRET}\n",
    f"- {SECRET}\n",
    f'"{SECRET}\n',
    f"aws_secret_access_key = {SECRET}: [\n",
]


def test_a_file_that_is_no_topology_is_never_quoted(home: Home) -> None:
    each_is_refused(home, FOREIGN)
    home.plan(4)


PASSWORDS = [
    f"topics:\n  a.b: {{partitions: 1, replication-factor: 3, password: {SECRET}}}\n",
    f"applications:\n  a:\n    user: {{password: {SECRET}}}\n",
    f"applications:\n  a:\n    user: {{mechanism: SCRAM-SHA-512, password: '{SECRET}'}}\n    produces: [a.b]\n",
    f"applications:\n  a:\n    password: {SECRET}\n",
    f"users:\n  a: {{password: {SECRET}}}\n",
    f"topics:\n  a.b: {{partitions: 1, replication-factor: 3, client-secret: {SECRET}}}\n",
    f"topics:\n  a.b: {{partitions: x, replication-factor: 3, secret: {SECRET}}}\n",
]


def test_a_password_in_a_block_is_an_error_that_does_not_show_it(home: Home) -> None:
    each_is_refused(home, PASSWORDS)


def test_a_password_beside_the_settings_of_a_cluster_is_not_shown(home: Home) -> None:
    home.write("kafkaops.yaml", SETTINGS.replace("]}", f"], sasl-password: {SECRET}}}"))

    home.validate(4)


# ---- patterns


ENDLESS = [
    "(a+)+",
    "(a|a)*b",
    "((a*)*)*b",
    ".*.*.*.*x",
    "(a?){50}a{50}",
    "a?" * 40 + "a" * 40,
    "(a|a)" * 35,
    "(a|aa)+b",
    "[a-z]*[a-z]*[a-z]*x",
    "a{1,99}{1,99}",
    "a{99999999999}",
    "a*+b",
    "(?:a+)+",
    "(?=a+)*",
    r"(a+)\1",
    "[[a]+",
    "(",
    "*",
    "x" * 5_000,
]


def test_a_part_pattern_that_may_backtrack_is_refused(home: Home) -> None:
    parts = {f"p{number}": regex for number, regex in enumerate(ENDLESS)}
    pattern = "".join(f"{{{part}}}" for part in parts)
    home.write("kafkaops.yaml", SETTINGS + f'naming: {{pattern: "{pattern}", parts: {json.dumps(parts)}}}\n')
    home.write("x.yaml", f"topics: {{{LONG}: {{{TOPIC}}}}}\n")

    assert home.validate(4).messages == [f"`{part}` is not a pattern that always ends quickly" for part in parts]


SLOWEST = [".*.*x", "[a-z]*[a-z]*(x|y)", "a?a?a?a?a?a?a?a*x", "(a|b|c)[a-z]*x", r"\w+\w+!"]


def test_the_slowest_part_patterns_that_are_allowed_end_in_time(home: Home) -> None:
    parts = {f"p{number}": regex for number, regex in enumerate(SLOWEST)}
    pattern = "".join(f"{{p{number}}}" for number in range(len(SLOWEST)))
    home.write("kafkaops.yaml", SETTINGS + f'naming: {{pattern: "{pattern}", parts: {json.dumps(parts)}}}\n')
    names = (f"{'a' * 245}{number:04}" for number in range(500))
    home.write("x.yaml", "topics:\n" + "".join(f"  {name}: {{{TOPIC}}}\n" for name in names))

    assert home.run("validate", "-o", "json").codes == {"KO2016"}


GLOBS = ["*a" * 20 + "b", "*a*a*a*a*a*a*b", "*" * 200 + "b", "[!b]*" * 30 + "b", "*[a-z]" * 40 + "!", "?*" * 60 + "b"]


def test_globs_over_the_longest_name_end_at_once(home: Home) -> None:
    overrides = [{"match": glob, "set": {"retention-ms": "7d"}} for glob in GLOBS]
    globs = json.dumps(GLOBS)
    settings = SETTINGS.replace("]}", f"], override: {json.dumps(overrides)}}}")
    home.write("kafkaops.yaml", f"{settings}protect: {globs}\nignore: {globs}\nnaming: {{exempt: {globs}}}\n")
    names = (f"{'a' * 245}{number:04}" for number in range(100))
    home.write("x.yaml", "topics:\n" + "".join(f"  {name}: {{{TOPIC}}}\n" for name in names))

    assert home.run("validate").code in {0, 4}  # 4: a pattern that matches nothing may be called an error
    assert home.run("plan", *(f"--only=topic/{glob}" for glob in GLOBS)).code in {4, 64, 69}


# ---- how much


def test_thousands_of_problems_end_in_a_screen_that_can_be_read(home: Home) -> None:
    home.write("x.yaml", "topics:\n" + "".join(f"  t.{number}: {{partitions: x}}\n" for number in range(5_000)))

    ended = home.run("validate")

    assert ended.code == 4
    assert len(ended.out) < 100_000
    assert re.search(r"[\d,]{5,} errors", ended.out)


# ---- hostile names

HOSTILE = [
    "[red]x[/red]:bomb:|`$(touch ran)`{{x}}${x}",
    "::error file=x::y\n##[error]z\r::warning::",
    "\x1b[31m\u202e\U000e0041\u200b\u2028%0A\x9b",
    "../../etc/passwd",
    "x" * 10_000,
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_in_the_files_is_inert(home: Home, name: str) -> None:
    text = _yaml(name)
    home.write(
        "x.yaml",
        f"""\
domain: {text}
owner: {text}
share: {{{text}: [Read]}}
topics:
  {text}: {{partitions: 1, replication-factor: 3, {text}: {text}}}
  a.b.c.v1: {{partitions: {text}, replication-factor: 3, profile: {text}, config: {{{text}: {text}}}}}
  a.b.d.v1:
    partitions: 1
    replication-factor: 3
    description: {text}
    clusters: [{text}]
    acknowledge: [{{code: KO2104, cluster: {text}, change: {text}, until: 2026-01-01, reason: {text}}}]
applications:
  {text}:
    principal: {text}
    consumes: [{{topics: [{text}], group: {text}}}]
    produces: [{text}]
principals: {{{text}: {{state: absent}}, {_yaml("User:" + name)}: {{state: absent}}}}
acls:
  - {{principal: {_yaml("User:" + name)}, operations: [Read], topic: {text}, group: {text}, host: {text}}}
acknowledge: [{{code: {text}, on: {text}, cluster: {text}, change: {text}, until: {text}, reason: {text}}}]
""",
    )
    settings = f"profiles: {{{text}: {{partitions: {text}}}}}\nprotect: [{text}]\nrequires: {text}\n"
    home.write("kafkaops.yaml", SETTINGS.replace("main", text) + settings)

    ended = home.validate(4)

    assert ended.codes
    assert not list(home.folder.rglob("ran"))
    assert not [line for line in ended.err.splitlines() if len(line) > 3_000 and len(name) > 1_000]


def _yaml(text: str) -> str:
    """A quoted scalar, in which YAML takes every character."""
    return '"' + "".join(char if char.isalnum() else f"\\U{ord(char):08x}" for char in text) + '"'


def test_hostile_file_names_are_inert(home: Home) -> None:
    names = [name for name in HOSTILE if "/" not in name and len(name) < 200]
    for name in [*names, os.fsdecode(b"\xff")]:
        (home.folder / "topology" / f"{name}.yaml").write_text("topics: 1\n")

    files = {finding["source"]["file"] for finding in home.validate(4).document["findings"]}

    assert {f"topology/{name}.yaml" for name in names} < files


@pytest.mark.parametrize("name", [*HOSTILE, "\udcff"], ids=range(len(HOSTILE) + 1))
def test_a_hostile_argument_is_inert(home: Home, name: str) -> None:
    for code, *arguments in (
        (64, "explain", name),
        (64, "schema", name),
        (64, "validate", "--color", name),
        (64, name),
        (64, "ack", f"KO2104@{name}", "--until", name),
        (69, "describe", f"topic/{name}"),
        (69, "plan", "--only", f"topic/{name}"),
    ):
        ended = home.run(*arguments, "-o", "json")
        assert ended.code == ended.document["exit_code"]
        assert ended.code in {code, 64}
        assert not [line for line in ended.err.splitlines() if visible(line) != line]


# ---- the command line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing command"),
        (["nosuch"], "no such command 'nosuch'"),
        (["sandbox"], None),
        (["sandbox", "nosuch"], "no such command 'nosuch'"),
        (["plan", "--detailed-exitcod"], "no such option: --detailed-exitcod (Possible options: --detailed-exitcode)"),
        (["describe"], "missing argument 'address'"),
        (["describe", ""], None),
        (["describe", "--", "--"], None),
        (["validate", "surplus"], "`surplus` is no file of the topology in `topology`"),
        (["plan", "surplus"], "got unexpected extra argument(s) (surplus)"),
        (["validate", "-C", "nowhere"], "cannot change to `nowhere`: no such file or directory"),
        (["validate", "-o", "yaml"], "`-o yaml` is no output"),
        (["plan", "--cluster", "other"], "there is no cluster `other`"),
        (["validate", "--cluster", "other"], "there is no cluster `other`"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_a_usage_error(home: Home, arguments: list[str], message: str | None) -> None:
    ended = home.run("-o", "json", *arguments)

    assert (ended.code, ended.document["exit_code"], ended.document["complete"]) == (64, 64, False)
    assert message is None or ended.document["error"] == message
    assert ended.document["error"] in ended.err


def test_without_a_command_the_help_is_shown(home: Home) -> None:
    ended = home.run()

    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith("Usage: kafkaops [OPTIONS] COMMAND")


def test_the_version_is_one_line(home: Home) -> None:
    assert re.fullmatch(r"kafkaops \d+\.\d+\.\d+\n", home.run("--version").out)


@pytest.mark.parametrize("topology", ["missing", "topology/order.yaml", "empty"])
def test_a_topology_that_is_not_there_is_no_empty_topology(home: Home, topology: str) -> None:
    (home.folder / "empty").mkdir()

    home.validate(4, "--topology", topology)
    home.plan(4, "--topology", topology)
    assert home.run("apply", "--yes", "--topology", topology).code == 4


# ---- where output goes


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("folder", 64, "`folder` cannot be written: it is a folder"),
        ("nowhere/plan.json", 64, "`nowhere/plan.json` cannot be written: no such folder"),
        ("/dev/full", 1, "`/dev/full` cannot be written: no space left on device"),
    ],
)
def test_output_that_cannot_be_written_is_one_sentence(home: Home, path: str, code: int, message: str) -> None:
    (home.folder / "folder").mkdir()

    ended = home.run("validate", "-o", f"json={path}")

    assert (ended.code, ended.out) == (code, "")
    assert f"error[KO7005]: {message}\n" in ended.err


@pytest.mark.parametrize("command", [("explain", "KO2104"), ("explain", "retention.ms"), ("schema", "sandbox")])
def test_what_needs_no_cluster_is_written_where_it_was_asked_for(home: Home, command: tuple[str, ...]) -> None:
    path = home.folder / "asked.json"
    printed = home.run(*command, "-o", "json").document

    assert home.run(*command, "-o", f"json={path}").out == ""
    assert json.loads(path.read_text()) | {"created_at": ""} == printed | {"created_at": ""}
    assert home.run(*command, "-o", "json=/dev/full").code == 1


def test_what_could_not_be_written_stands_on_stderr(home: Home) -> None:
    assert "2 files checked, no cluster contacted: no problems\n" in home.run("validate", "-o", "json=/dev/full").err


@pytest.mark.parametrize("redirected", ["| true", "2>&1 | true", "| head -1", ">&-", ">&- 2>&- <&-"])
def test_an_output_that_nobody_reads_is_no_traceback(home: Home, redirected: str) -> None:
    for command in ("schema", "validate", "nosuch", "explain KO2104"):
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m kafkaops.cli {command} {redirected}"],
            cwd=home.folder,
            env=_environ(None),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=HANGS,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr


def test_a_terminal_that_cannot_show_a_letter_gets_its_escape(home: Home) -> None:
    home.write("x.yaml", "topics: {\u4e3b: 1}\n")

    assert "\\u4e3b" in home.run("validate", environ={"PYTHONIOENCODING": "ascii"}).out
