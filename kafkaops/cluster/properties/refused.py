class RefusedError(Exception):
    """A sentence that is safe to show: it names settings and variables, and holds no text of a file."""

    def __init__(self, message: str, *, hint: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.line = line
