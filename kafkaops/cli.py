"""The command line: flags in, one command, an exit code out. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import gc
import inspect
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("_TYPER_FORCE_DISABLE_TERMINAL", "1")  # else GITHUB_ACTIONS alone puts escapes into --help

import typer

from kafkaops import __version__
from kafkaops.findings import Exit, Terminated

EXAMPLES = {
    "init": ("kafkaops init", "kafkaops init --topology clusters/east --cluster east"),
    "validate": ("kafkaops validate", "kafkaops validate topology/order.yaml -o json"),
    "plan": (
        "kafkaops plan --cluster sandbox",
        "kafkaops plan --cluster sandbox --base main -o json=plan.json",
    ),
    "snapshot": (
        "kafkaops snapshot --cluster sandbox -o sandbox.json",
        "kafkaops snapshot --cluster sandbox --for-plan -o sandbox.json",
    ),
    "apply": ("kafkaops apply --cluster sandbox --yes", "kafkaops apply --cluster sandbox --plan plan.json --yes"),
    "resume": ("kafkaops resume --cluster sandbox", "kafkaops resume --cluster sandbox --detach-after 5h"),
    "cancel": ("kafkaops cancel --cluster sandbox", "kafkaops cancel --cluster sandbox -o json"),
    "throttle": ("kafkaops throttle clear --cluster sandbox", "kafkaops throttle clear --cluster sandbox -o json"),
    "throttle clear": (
        "kafkaops throttle clear --cluster sandbox",
        "kafkaops throttle clear --cluster sandbox -o json",
    ),
    "throttle set": (
        "kafkaops throttle set 100MiB/s --cluster sandbox",
        "kafkaops throttle set 20MB/s --cluster sandbox -o json",
    ),
    "drift": ("kafkaops drift --cluster sandbox", "kafkaops drift --cluster sandbox -o json"),
    "show": ("kafkaops show plan.json -o markdown", "kafkaops show yesterday.json plan.json"),
    "describe": (
        "kafkaops describe topic/order.order.created.v1 --cluster sandbox",
        "kafkaops describe acl/User:order-service --cluster sandbox",
    ),
    "ack": (
        "kafkaops ack KO2110@topic/inventory.stock.updated.v1 --cluster sandbox --reason OPS-12",
        "kafkaops ack KO2106 --plan plan.json --reason 'nobody reads it'",
    ),
    "pull": ("kafkaops pull --cluster sandbox", "kafkaops pull 'topic/order.*' --cluster sandbox"),
    "comment": (
        "kafkaops comment plan.json --repo acme/kafka --number 7",
        "kafkaops comment drift.json --repo acme/kafka --issue",
    ),
    "explain": ("kafkaops explain KO2104", "kafkaops explain retention.ms"),
    "schema": ("kafkaops schema", "kafkaops schema settings"),
    "doctor": ("kafkaops doctor --cluster sandbox", "kafkaops doctor --cluster sandbox -o json"),
    "status": ("kafkaops status --cluster sandbox", "kafkaops status --cluster sandbox -o json"),
    "history": ("kafkaops history --cluster sandbox", "kafkaops history last --cluster sandbox"),
    "undo": ("kafkaops undo last --cluster sandbox", "kafkaops undo last --cluster sandbox --yes"),
    "lock": ("kafkaops lock status --cluster sandbox", "kafkaops lock status --cluster sandbox -o json"),
    "lock status": ("kafkaops lock status --cluster sandbox", "kafkaops lock status --cluster sandbox -o json"),
    "sandbox": ("kafkaops sandbox up", "kafkaops sandbox down"),
    "sandbox up": ("kafkaops sandbox up", "kafkaops sandbox up --brokers 1 --kafka 3.9"),
    "sandbox status": ("kafkaops sandbox status", "kafkaops sandbox status --dir /tmp/kafka"),
    "sandbox stop": ("kafkaops sandbox stop 2", "kafkaops sandbox stop 2 --dir /tmp/kafka"),
    "sandbox start": ("kafkaops sandbox start 2", "kafkaops sandbox start 2 --dir /tmp/kafka"),
    "sandbox down": ("kafkaops sandbox down", "kafkaops sandbox down --dir /tmp/kafka"),
}
"""Two for each `--help`; the tests run them."""


_PLANS = ("text", "json", "markdown", "concise", "github", "github-output")
_FORMATS = {
    "validate": (*_PLANS, "junit"),
    "plan": (*_PLANS, "reassignment-json"),
    "apply": _PLANS,
    "drift": _PLANS,
    "show": (*_PLANS, "reassignment-json", "junit"),  # each where the command that wrote the document has it
}
EVERY_FORMAT = frozenset(one for its in _FORMATS.values() for one in its)


def formats(command: str) -> tuple[str, ...]:
    """What `-o` of the command can be."""
    return _FORMATS.get(command, ("text", "json"))


@dataclass(frozen=True, slots=True)
class Options:
    """The flags that every command takes, before or after its name."""

    chdir: Path | None
    topology: Path
    cluster: str | None
    output: list[str]
    quiet: bool
    verbose: bool
    color: str
    no_input: bool


def _offered(name: str) -> Callable[[typer.Context, str], list[str]]:
    """What the shell offers for a value: a name of `commands.completion.OFFERS`."""

    def offer(ctx: typer.Context, incomplete: str) -> list[str]:
        from kafkaops.commands import completion

        return completion.offered(name, ctx.params, incomplete)

    return offer


def _output(command: str) -> Any:
    *others, last = known = formats(command)
    option = typer.Option(
        "--output",
        "-o",
        metavar="FORMAT[=PATH]",
        help=f"{', '.join(others)} or {last}; may be repeated.",
        autocompletion=lambda incomplete: [one for one in known if one.startswith(incomplete)],
    )
    return Annotated[list[str], option]


_GLOBALS: dict[str, tuple[Any, Any]] = {
    "chdir": (Annotated[Path | None, typer.Option("--chdir", "-C", help="Change to this folder first.")], None),
    "topology": (Annotated[Path, typer.Option("--topology", help="The folder with the YAML files.")], Path("topology")),
    "cluster": (
        Annotated[
            str | None,
            typer.Option("--cluster", help="One cluster of kafkaops.yaml.", autocompletion=_offered("clusters")),
        ],
        None,
    ),
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="Print only what blocks or fails.")], False),
    "verbose": (Annotated[bool, typer.Option("--verbose", "-v", help="Leave nothing out for its length.")], False),
    "color": (Annotated[str, typer.Option("--color", metavar="auto|always|never", help="When to use colour.")], "auto"),
    "no_input": (Annotated[bool, typer.Option("--no-input", help="Never ask; fail instead.")], False),
}
TAKES_VALUE = frozenset({"--chdir", "-C", "--topology", "--cluster", "--output", "-o", "--color"})
_FLAGS = TAKES_VALUE | {"--quiet", "-q", "--verbose", "-v", "--no-input"}

app = typer.Typer(
    name="kafkaops",
    help="Keeps a Kafka cluster equal to the YAML in a git repository: plan in the pull request, apply on merge.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
sandbox = typer.Typer(
    help="A throw-away real Kafka on loopback, with authorizer and TLS.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
lock = typer.Typer(
    help="The locks that keep runs apart.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(lock, name="lock")
app.add_typer(sandbox, name="sandbox")
throttle_group = typer.Typer(
    help="How fast copies of ours go.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(throttle_group, name="throttle")
_ABOVE = {id(app): "", id(lock): "lock ", id(sandbox): "sandbox ", id(throttle_group): "throttle "}


def _command(group: typer.Typer, name: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Adds the global flags behind the command's own, and the examples to its help."""

    def register(function: Callable[..., int]) -> Callable[..., int]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        everywhere = {**_GLOBALS, "output": (_output(name), [])}
        shared = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for key, (annotation, default) in everywhere.items()
        ]

        def run(**given: Any) -> int:
            return function(Options(**{key: given.pop(key) for key in everywhere}), **given)

        parameters = [*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *shared]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        run.__doc__ = function.__doc__
        path = f"{_ABOVE[id(group)]}{name}"
        shown = "\n\n".join(("Examples:", *(f"  {line}" for line in EXAMPLES[path])))
        group.command(name, epilog=shown)(run)
        return function

    return register


Address = Annotated[
    str,
    typer.Argument(
        help="A resource, such as topic/order.order.created.v1 or acl/User:order-service.",
        autocompletion=_offered("addresses"),
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="REF",
        help="Tell this change from drift by the commit at which HEAD left REF. Left out: in CI the pull request's target, or what was applied last.",
    ),
]
Rebalance = Annotated[
    bool, typer.Option("--rebalance", help="Also make brokers even, as `placement: balance` declares it.")
]
Throttle = Annotated[
    str | None,
    typer.Option("--throttle", metavar="RATE", help="How fast each broker may copy, over `placement: throttle`."),
]
Window = Annotated[
    str | None,
    typer.Option("--window", metavar="HH:MM-HH:MM", help="When copies may start, over `placement: window`."),
]
StallTimeout = Annotated[
    str | None,
    typer.Option(
        "--stall-timeout",
        metavar="TIME",
        help="How long a copy may make no progress before it is taken back: 15m if left out.",
    ),
]
DetachAfter = Annotated[
    str | None,
    typer.Option(
        "--detach-after",
        metavar="TIME",
        help="Stop watching after so long, such as 5h; the copies go on, and resume takes them up.",
    ),
]
Only = Annotated[
    list[str],
    typer.Option(
        "--only",
        metavar="ADDRESS",
        help="Only these resources (a pattern; may be repeated).",
        autocompletion=_offered("addresses"),
    ),
]


@_command(app, "init")
def init(
    options: Options,
    bootstrap_servers: Annotated[
        str | None,
        typer.Option(
            "--bootstrap-servers", metavar="HOST:PORT[,...]", help="Left out: those of the client properties."
        ),
    ] = None,
    client_config: Annotated[
        Path | None,
        typer.Option(
            "--client-config",
            metavar="FILE",
            help="Client properties; left out: those that KAFKAOPS_CLIENT_CONFIG names.",
        ),
    ] = None,
) -> int:
    """Begin a repository for a cluster that is there already."""
    from kafkaops.commands import beginning

    return beginning.init(options, bootstrap_servers=bootstrap_servers, client_config=client_config)


@_command(app, "validate")
def validate(
    options: Options,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[PATH]...", help="Tell only of these files of the topology; one folder elsewhere is the topology."
        ),
    ] = [],  # noqa: B006  # typer copies it
    fix: Annotated[bool, typer.Option("--fix", help="Remove acknowledgements that have expired.")] = False,
) -> int:
    """Check the files, without any cluster."""
    from kafkaops.commands import files

    return files.validate(options, paths, fix=fix)


@_command(app, "plan")
def plan(
    options: Options,
    only: Only = [],  # noqa: B006  # typer copies it
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 when there are changes.")
    ] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever the plan says.")] = False,
    details: Annotated[bool, typer.Option("--details", help="Show the settings of every created topic.")] = False,
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="danger|warning|never", help="Exit 3 from this severity on.")
    ] = "danger",
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="SNAPSHOT", help="Ask a snapshot in place of the cluster, and no cluster."),
    ] = None,
    base: Base = None,
    rebalance: Rebalance = False,
) -> int:
    """Show what apply would do, and what stops it. Changes nothing."""
    from kafkaops.commands import plans

    return plans.plan(
        options,
        only=tuple(only),
        detailed_exitcode=detailed_exitcode,
        exit_zero=exit_zero,
        details=details,
        fail_on=fail_on,
        against=against,
        base=base,
        rebalance=rebalance,
    )


@_command(app, "snapshot")
def snapshot(
    options: Options,
    for_plan: Annotated[
        bool,
        typer.Option(
            "--for-plan",
            help="Of topics that are neither declared nor in a domain hold the name alone, and no rack's name.",
        ),
    ] = False,
) -> int:
    """Write what plan reads of a cluster into the file of -o, for plan --against."""
    from kafkaops.commands import snapshots

    return snapshots.snapshot(options, for_plan=for_plan)


Ack = Annotated[
    list[str],
    typer.Option(
        "--ack",
        metavar="CODE@ADDRESS",
        help="Accept this danger, this time (may be repeated); not in CI, where consent stands in the files.",
    ),
]


@_command(app, "apply")
def apply(
    options: Options,
    only: Only = [],  # noqa: B006  # typer copies it
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="PLAN.json",
            help="The approved plan: exactly its changes, or none where one no longer fits.",
        ),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="FINGERPRINT",
            help="Only a plan with this fingerprint; that nothing is left to do is fine too.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the first change.")] = False,
    base: Base = None,
    rebalance: Rebalance = False,
    throttle: Throttle = None,
    window: Window = None,
    stall_timeout: StallTimeout = None,
    detach_after: DetachAfter = None,
    ack: Ack = [],  # noqa: B006  # typer copies it
) -> int:
    """Make the cluster as the files say, and verify it."""
    from kafkaops.commands import plans
    from kafkaops.commands.pace import Flags

    flags = Flags(throttle=throttle, window=window, stall_timeout=stall_timeout, detach_after=detach_after)
    return plans.apply(
        options,
        only=tuple(only),
        yes=yes,
        base=base,
        expect=expect,
        saved_plan=plan,
        flags=flags,
        rebalance=rebalance,
        consents=tuple(ack),
    )


@_command(app, "resume")
def resume(
    options: Options,
    throttle: Throttle = None,
    window: Window = None,
    stall_timeout: StallTimeout = None,
    detach_after: DetachAfter = None,
) -> int:
    """Wait for copies that a run has left, and give their throttle back."""
    from kafkaops.commands import moving
    from kafkaops.commands.pace import Flags

    flags = Flags(throttle=throttle, window=window, stall_timeout=stall_timeout, detach_after=detach_after)
    return moving.resume(options, flags)


@_command(app, "cancel")
def cancel(
    options: Options,
    topics: Annotated[
        list[str],
        typer.Argument(metavar="[TOPIC]...", help="Only needed where no run of kafkaops moves them."),
    ] = [],  # noqa: B006  # typer copies it
) -> int:
    """Take copies that a run has left back to the old replicas."""
    from kafkaops.commands import moving

    return moving.cancel(options, tuple(topics))


@_command(throttle_group, "set")
def throttle_set(
    options: Options,
    rate: Annotated[str, typer.Argument(metavar="RATE", help="Bytes per second and broker, such as 50MiB/s.")],
) -> int:
    """Change how fast a copy of ours goes, while it goes."""
    from kafkaops.commands import moving

    return moving.throttle_set(options, rate)


@_command(throttle_group, "clear")
def throttle_clear(options: Options) -> int:
    """Give back what a run has set to slow its copies."""
    from kafkaops.commands import moving

    return moving.throttle_clear(options)


@_command(app, "drift")
def drift(options: Options, only: Only = []) -> int:  # noqa: B006  # typer copies it
    """Show what differs from the files; exit 2 when something does."""
    from kafkaops.commands import plans

    return plans.drift(options, only=tuple(only))


@_command(app, "show")
def show(
    options: Options,
    files: Annotated[list[Path], typer.Argument(metavar="FILE [FILE]", help="What -o json wrote; two are compared.")],
    details: Annotated[bool, typer.Option("--details", help="Show the settings of every created topic.")] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 when two plans differ.")
    ] = False,
) -> int:
    """Show a saved plan again, in any format, or what changed between two. Asks no cluster."""
    from kafkaops.commands import show as showing

    return showing.show(options, files, details=details, detailed_exitcode=detailed_exitcode)


@_command(app, "history")
def history(
    options: Options,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run, or `last`, with its steps.")] = None,
) -> int:
    """Show who applied what, when, from which commit, and how it ended."""
    from kafkaops.commands import remembering

    return remembering.history(options, run)


@_command(app, "undo")
def undo(
    options: Options,
    run: Annotated[str, typer.Argument(metavar="RUN", help="As history lists it, or `last`.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without it the plan is shown, and nothing is changed.")
    ] = False,
    ack: Ack = [],  # noqa: B006  # typer copies it
) -> int:
    """Show what would take a run back, and what cannot come back; with --yes do it."""
    from kafkaops.commands import plans

    return plans.undo(options, run, yes=yes, consents=tuple(ack))


@_command(lock, "status")
def lock_status(options: Options) -> int:
    """Show who holds which lock, since when, and how far that run is."""
    from kafkaops.commands import remembering

    return remembering.lock_status(options)


@_command(app, "describe")
def describe(options: Options, address: Address) -> int:
    """Show one resource: wanted, live, and where each value is from."""
    from kafkaops.commands import inspection

    return inspection.describe(options, address)


@_command(app, "ack")
def ack(
    options: Options,
    findings: Annotated[
        list[str],
        typer.Argument(
            metavar="CODE[@ADDRESS]...",
            help="The dangers to accept; an address may be a pattern.",
            autocompletion=_offered("dangers"),
        ),
    ],
    plan_file: Annotated[Path | None, typer.Option("--plan", help="Take the values from a saved plan (JSON).")] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Last day: in 14 days if left out, in 90 at most.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; shown to whoever reads the file.")] = "",
    base: Base = None,
) -> int:
    """Write consent to exactly one change into the YAML."""
    from kafkaops.commands import files

    return files.ack(options, findings, plan_file=plan_file, until=until, reason=reason, base=base)


@_command(app, "pull")
def pull(
    options: Options,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ADDRESS",
            help="Resources, such as topic/NAME or acl/PRINCIPAL, or patterns. Left out: topics of declared domains that "
            "no file declares, or everything where none declares any.",
            autocompletion=_offered("addresses"),
        ),
    ] = None,
) -> int:
    """Write what is live into the YAML, so that the plan is empty. Changes nothing on the cluster."""
    from kafkaops.commands import pulling

    return pulling.pull(options, tuple(addresses or ()))


@_command(app, "comment")
def comment(
    options: Options,
    plans: Annotated[
        list[Path], typer.Argument(metavar="PLAN.json...", help="What plan or drift wrote with -o json, one a cluster.")
    ],
    issue: Annotated[
        bool, typer.Option("--issue", help="Keep an issue about drift instead: open while there is any.")
    ] = False,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Say that the plan is of a fork's files and of a snapshot.")
    ] = False,
    repository: Annotated[
        str | None, typer.Option("--repo", metavar="OWNER/NAME", help="Instead of GITHUB_REPOSITORY.")
    ] = None,
    number: Annotated[
        int | None, typer.Option("--number", min=1, help="Of the pull request, instead of the event's.")
    ] = None,
) -> int:
    """Write plans into one comment on a GitHub pull request, and keep it up to date."""
    from kafkaops.commands import commenting

    return commenting.comment(options, plans, issue=issue, unverified=unverified, repository=repository, number=number)


@_command(app, "explain")
def explain(
    options: Options,
    code: Annotated[
        str,
        typer.Argument(
            help="A finding code such as KO2104, or a topic setting such as retention.ms.",
            autocompletion=_offered("explained"),
        ),
    ],
) -> int:
    """Tell what a finding or a topic setting means, and what to do."""
    from kafkaops.commands import words

    return words.explain(options, code)


@_command(app, "schema")
def schema(
    options: Options,
    name: Annotated[
        str,
        typer.Argument(
            help="topology, settings, or a document: init, plan, apply, validation, comparison, resource, doctor, status, ack, pull, comment, "
            "snapshot, explanation, move, history, lock, sandbox, failure."
        ),
    ] = "topology",
) -> int:
    """Print a JSON Schema: of the files, or of what -o json writes."""
    from kafkaops.commands import words

    return words.schema(options, name)


@_command(app, "doctor")
def doctor(options: Options) -> int:
    """Check connection, rights and brokers; print the ACLs to grant."""
    from kafkaops.commands import inspection

    return inspection.doctor(options)


@_command(app, "status")
def status(options: Options) -> int:
    """Show copies in flight, throttles, disks, locks, the last apply."""
    from kafkaops.commands import inspection

    return inspection.status(options)


Folder = Annotated[Path, typer.Option("--dir", help="Where the sandbox lives.")]
Number = Annotated[int, typer.Argument(min=1, max=5, help="The broker's id.")]
_SANDBOX = Path(".kafkaops/sandbox")


@_command(sandbox, "up")
def sandbox_up(
    options: Options,
    brokers: Annotated[int, typer.Option("--brokers", min=1, max=5, help="How many.")] = 3,
    kafka: Annotated[
        str,
        typer.Option(
            "--kafka", metavar="VERSION", help="4.4, 3.9, or 3.5 with ZooKeeper.", autocompletion=_offered("versions")
        ),
    ] = "4.4",
    directory: Folder = _SANDBOX,
) -> int:
    """Start it, and print the client properties to use."""
    from kafkaops.commands import sandboxes

    return sandboxes.up(options, directory, brokers=brokers, kafka=kafka)


@_command(sandbox, "status")
def sandbox_status(options: Options, directory: Folder = _SANDBOX) -> int:
    """Show its brokers."""
    from kafkaops.commands import sandboxes

    return sandboxes.status(options, directory)


@_command(sandbox, "stop")
def sandbox_stop(options: Options, number: Number, directory: Folder = _SANDBOX) -> int:
    """Stop one broker."""
    from kafkaops.commands import sandboxes

    return sandboxes.stop(options, directory, number)


@_command(sandbox, "start")
def sandbox_start(options: Options, number: Number, directory: Folder = _SANDBOX) -> int:
    """Start one broker again."""
    from kafkaops.commands import sandboxes

    return sandboxes.start(options, directory, number)


@_command(sandbox, "down")
def sandbox_down(options: Options, directory: Folder = _SANDBOX) -> int:
    """Stop everything and remove it."""
    from kafkaops.commands import sandboxes

    return sandboxes.down(options, directory)


def _version(show: bool) -> None:
    if show:
        sys.stdout.write(f"kafkaops {__version__}\n")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Global flags may stand before or after the command."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits with its code; 1 when whoever read its output went away."""
    gc.disable()  # one short run: looking for cycles costs a sixth of it on ten thousand topics, and finds nothing to free
    _usable_streams()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        if os.environ.get("_KAFKAOPS_COMPLETE", "").startswith("complete_"):  # set by the script that typer writes
            from kafkaops.commands import completion

            completion.answer(lambda: run([]), os.environ)
            return
        code = run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # else Python complains about it once more on its way out
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        code = Exit.FAILED
    raise SystemExit(code)


def _terminated(_number: int, _frame: object) -> None:
    raise Terminated


def _usable_streams() -> None:
    """A stream that was closed (`>&-`) is nowhere; one that cannot hold a character gets its escape."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  # as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run(arguments: list[str]) -> int:
    """The exit code. A usage error is 64, whichever way typer reports it."""
    try:
        code = app(args=command_first(arguments), prog_name="kafkaops", standalone_mode=False)
    except typer.Abort:
        return Exit.INTERRUPTED
    except KeyboardInterrupt as interruption:
        return Exit.TERMINATED if isinstance(interruption, Terminated) else Exit.INTERRUPTED
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's own Click does not show its classes
            raise
        _usage(error, arguments)
        return Exit.USAGE
    return code if isinstance(code, int) else Exit.DONE


def _usage(error: Any, arguments: list[str]) -> None:
    """A machine format that was asked for is written on this way out too."""
    from kafkaops.commands.output import usage_failure

    message = str(error.format_message())
    if message.startswith("Usage:"):  # without a command typer's message is the help
        sys.stderr.write(f"{message}\n\n")
        message = "Missing command."
    usage_failure(message, arguments, command=getattr(getattr(error, "ctx", None), "command_path", ""))


def command_first(arguments: list[str]) -> list[str]:
    """Flags that stand before the command go behind it, where the command knows them."""
    index = 0
    while index < len(arguments) and arguments[index].startswith("-"):
        flag = arguments[index].partition("=")[0]
        if flag in {"-h", "--help", "--version", "--install-completion", "--show-completion", "--"}:
            return arguments
        takes_next = flag in TAKES_VALUE and "=" not in arguments[index]
        index += 2 if takes_next else 1
    before, rest = arguments[:index], arguments[index:]
    if not rest and all(one.partition("=")[0] in _FLAGS for one in before if one.startswith("-")):
        return []  # else typer would not know flags that it knows behind a command
    end = rest.index("--") if "--" in rest else len(rest)
    return [*rest[:end], *before, *rest[end:]]


if __name__ == "__main__":
    main()
