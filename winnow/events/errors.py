"""What can be wrong with a message that claims to follow the contract.

Errors:
    ContractError
"""


class ContractError(ValueError):
    """The message breaks the contract.

    Attributes:
        reason: a short word for counters, from a closed set: `schema`, `size`, `topic`, `identity`, `image`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
