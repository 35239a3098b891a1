import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kafkaops.cluster.properties import regular_file
from kafkaops.cluster.properties.refused import RefusedError

SECRET_LIMIT = 64 * 1024
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


@dataclass(frozen=True, slots=True)
class References:
    """What a credential may refer to instead of holding it: `${ENV}`, `file:PATH`, `command:WORDS`."""

    environ: Mapping[str, str] = field(repr=False)
    folder: Path  # `file:` is relative to it and must stay under it
    commands: bool  # only an operator's own file may run a program
    timeout: float  # seconds, for a command

    def resolve(self, text: str) -> str:
        if text.startswith("file:"):
            return self._from_file(text.removeprefix("file:"))
        if text.startswith("command:"):
            return self._from_command(text.removeprefix("command:"))
        return _VARIABLE.sub(self._from_environment, text)

    def _from_environment(self, match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            raise RefusedError("`${` is not followed by the name of an environment variable and `}`")
        if name not in self.environ:
            raise RefusedError(f"environment variable `{name}` is not set")
        if not self.environ[name]:
            raise RefusedError(f"environment variable `{name}` is empty")
        return self.environ[name]

    def _from_file(self, name: str) -> str:
        return _one_secret(regular_file.read(self.folder / name, limit=SECRET_LIMIT, root=self.folder))

    def _from_command(self, line: str) -> str:
        if not self.commands:
            raise RefusedError(
                "`command:` is only allowed in the file that KAFKAOPS_CLIENT_CONFIG names",
                hint="write `${NAME}` or `file:PATH`",
            )
        try:
            done = subprocess.run(  # noqa: S603 the operator's own file says what to run; no shell
                shlex.split(line),
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it may hold the secret
                timeout=self.timeout,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            raise RefusedError(f"the command ended with exit code {error.returncode}") from None
        except subprocess.TimeoutExpired:
            raise RefusedError(f"the command did not end within {self.timeout:g} s") from None
        except (OSError, ValueError, IndexError):
            raise RefusedError("the command cannot be started") from None
        return _one_secret(done.stdout)


def _one_secret(content: bytes) -> str:
    try:
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise RefusedError("the secret is not UTF-8 text") from None
    if not text or "\0" in text or len(content) > SECRET_LIMIT:
        raise RefusedError("the secret is empty, too long, or not text")
    return text
