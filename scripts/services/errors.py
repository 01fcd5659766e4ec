"""What can go wrong with a server of the tests.

ServerError
├── ServerMissing       a program is not installed: install it, or give an address in the environment
└── ServerDidNotStart   it is installed and ended, or did not answer in time: read its log
"""


class ServerError(Exception):
    """A Mosquitto, Kafka or PostgreSQL of the tests cannot be used."""


class ServerMissing(ServerError):  # noqa: N818 - says what is true, like the builtin FileNotFound family
    """A program that the server needs is not on this machine.

    Attributes:
        program: what was looked for.
        remedy: what a person does about it.
    """

    def __init__(self, program: str, remedy: str) -> None:
        super().__init__(f"{program} is not installed: {remedy}")
        self.program = program
        self.remedy = remedy


class ServerDidNotStart(ServerError):  # noqa: N818 - says what is true
    """The server ended, or answered nothing in time.

    Attributes:
        server: its name.
        log_tail: the last lines that it wrote.
    """

    def __init__(self, server: str, reason: str, log_tail: str) -> None:
        super().__init__(f"{server} {reason}; its last lines:\n{log_tail}")
        self.server = server
        self.log_tail = log_tail
