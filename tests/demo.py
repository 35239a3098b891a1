"""The main job, on a real Kafka: validate, plan, apply, plan, proof with real clients, drift. Run by `make demo`.

Every screen is the tool's own. What is started here is stopped here, also on Ctrl-C.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from kafkaops.findings import Exit, Terminated
from kafkaops.sandbox import Sandbox, SandboxError, add_scram_user, running

ROOT = Path(__file__).resolve().parent.parent
WRITES = "order.order.created.v1"
NOT_READ = "payment.transaction.completed.v1"
PASSWORD = "demo-only"  # the broker and its user live for a minute
WAIT = 30.0


def main() -> int:
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return tour()
    except KeyboardInterrupt as interruption:
        say("interrupted: what the demo had started is stopped, and its files are removed")
        return Exit.TERMINATED if isinstance(interruption, Terminated) else Exit.INTERRUPTED
    except SandboxError as error:
        say("\n  ".join((f"the sandbox did not start: {error.message}", *error.notes)))
        return Exit.FAILED


def _terminated(_number: int, _frame: object) -> None:
    raise Terminated


def tour() -> int:
    with tempfile.TemporaryDirectory(prefix="kafkaops-demo-") as folder:
        work = Path(folder)
        shutil.copytree(ROOT / "topology", work / "topology")
        title("A real Kafka: three brokers on loopback, KRaft, SASL_SSL with SCRAM-SHA-512, authorizer on")
        with running(work / "sandbox", brokers=3, report=say) as sandbox:
            for broker in sandbox.brokers:
                say(f"broker {broker.id} on {broker.host}:{broker.port}, {broker.rack}")
            return demonstrate(Demo(work, sandbox))


class Demo:
    """A work folder with a copy of the topology, and the sandbox that it is applied to."""

    def __init__(self, work: Path, sandbox: Sandbox) -> None:
        self.work = work
        self.sandbox = sandbox
        self.environment = {**os.environ, "KAFKAOPS_CLIENT_CONFIG": str(sandbox.properties)}

    def kafkaops(self, *arguments: str, expect: int) -> None:
        """Runs a command as a user would, and stops the demo when its exit code is another one."""
        show(f"\n$ kafkaops {' '.join(arguments)}")
        command = [sys.executable, "-m", "kafkaops.cli", *arguments]
        code = subprocess.run(command, cwd=self.work, env=self.environment, check=False).returncode
        show(f"(exit code {code})")
        if code != expect:
            raise SystemExit(f"the demo expected exit code {expect}")

    def login(self, user: str) -> dict[str, str]:
        return {
            "bootstrap.servers": self.sandbox.bootstrap,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.sandbox.ca),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": PASSWORD,
            "log_level": "2",  # a coordinator that is still loading is no news
        }

    def admin(self) -> AdminClient:
        properties = dict(
            line.split("=", 1)
            for line in self.sandbox.client("admin-librdkafka").read_text().splitlines()
            if "=" in line
        )
        return AdminClient(properties)


def demonstrate(demo: Demo) -> int:
    title("What the files say, checked without any cluster")
    demo.kafkaops("validate", expect=0)

    title("The pin: apply writes only to the cluster whose id is in git")
    pin(demo.work / "topology" / "kafkaops.yaml", demo.sandbox.cluster_id)

    title("What would be done")
    demo.kafkaops("plan", "--cluster", "sandbox", expect=0)

    title("Doing it")
    demo.kafkaops("apply", "--cluster", "sandbox", "--yes", expect=0)

    title("Nothing is left to do")
    demo.kafkaops("plan", "--cluster", "sandbox", "--detailed-exitcode", expect=0)

    title("Proof with real clients: order-service may write order.*, and may not read payment.*")
    add_scram_user(demo.sandbox, "order-service", PASSWORD)
    say(f"order-service wrote to {write(demo.login('order-service'))}")
    say(f"order-service was refused {NOT_READ}: {refusal(demo.login('order-service'))}")

    title("Somebody shortens a retention behind git's back")
    change_behind_gits_back(demo.admin())
    demo.kafkaops("drift", "--cluster", "sandbox", expect=2)
    say("apply puts it back; the sandbox is stopped now")
    return 0


def pin(settings: Path, cluster_id: str) -> None:
    """The one line that `kafkaops doctor` tells a user to write."""
    text = settings.read_text()
    placeholder = "# cluster-id: ..."
    assert placeholder in text, f"{settings} has no line `{placeholder}`"
    settings.write_text(text.replace(placeholder, f"cluster-id: {cluster_id}"))
    say(f"topology/kafkaops.yaml: cluster-id: {cluster_id}")


def write(login: dict[str, str]) -> str:
    """Where a record went: topic, partition and offset, as the broker acknowledged it."""
    written: list[Message] = []
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is None:
            written.append(message)
        else:
            refused.append(error)

    producer = Producer({**login, "acks": "all", "enable.idempotence": True})
    producer.produce(WRITES, key="order-1", value="created", on_delivery=delivered)
    producer.flush(WAIT)
    if not written:
        raise SystemExit(f"order-service could not write {WRITES}: {refused}")
    return f"{written[0].topic()}[{written[0].partition()}] at offset {written[0].offset()}"


def refusal(login: dict[str, str]) -> str:
    """The broker's answer to a consumer that has no business there."""
    consumer = Consumer({**login, "group.id": "order-saga", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([NOT_READ])
        message = consumer.poll(WAIT)
        error = message.error() if message is not None else None
    except KafkaException as failure:
        error = failure.args[0]
    finally:
        consumer.close()
    if error is None or error.code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
        raise SystemExit(f"order-service should have been refused {NOT_READ}, and got {error}")
    return str(error.name())


def change_behind_gits_back(admin: AdminClient) -> None:
    entry = ConfigEntry("retention.ms", "3600000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, WRITES, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(WAIT)
    say(f"kafka-configs --alter --entity-name {WRITES} --add-config retention.ms=3600000")


def title(text: str) -> None:
    show(f"\n=== {text} {'=' * max(0, 92 - len(text))}")


def say(text: str) -> None:
    show(f"  {text}")


def show(line: str) -> None:
    """At once, so that it stands in order with what the commands print."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
