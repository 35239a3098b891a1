"""pull: the live cluster into the files."""

from __future__ import annotations

from kafkaops import report
from kafkaops.cli import Options
from kafkaops.commands.files import write
from kafkaops.commands.output import Output, guarded
from kafkaops.commands.reading import connect_from, invalid, requests, topology_of
from kafkaops.findings import Exit
from kafkaops.pull.pulled import Pulled
from kafkaops.pull.pulled import pull as pulled_from


def pull(options: Options, addresses: tuple[str, ...]) -> int:
    def body(output: Output) -> int:
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        asked = requests(output, found, (), one=True)[0]
        pulled = pulled_from(asked, addresses, connect_from(found.root))
        write(found, pulled.rewrites)
        output.write(_document(pulled, addresses), cluster=asked.entry.name)
        return Exit.DONE

    return guarded("pull", options, body)


def _document(pulled: Pulled, addresses: tuple[str, ...]) -> report.Document:
    written = [
        (file, new, [(one.address, one.where) for one in pulled.entries if one.where.file == file])
        for file, new in pulled.files
    ]
    return report.pull_document(
        pulled.header,
        addresses,
        written,
        profiles=pulled.profiles,
        made=pulled.made,
        exempted=pulled.exempted,
        guessed=pulled.guessed,
        limited=pulled.limited,
        planned=pulled.planned,
        left=pulled.left,
    )
