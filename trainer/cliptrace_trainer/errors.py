"""The one error that this package raises on purpose."""


class TrainerError(Exception):
    """A failure that its reader can mend: a stable code, and a message with the bad value and the remedy."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        # Worker processes pickle their errors; the default would pass one argument to a two-argument constructor.
        return type(self), (self.code, self.message)
