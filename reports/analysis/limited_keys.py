"""Keys of which less is expected than their share, because they can't spend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a key can't spend its share; the values complete "it is ..."."""

    DISABLED = "disabled"
    DELETED = "deleted"
    EXPIRED = "expired"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class SpendLeft:
    """What a key can still spend until the end of a period, in nano-dollars.

    `credits_only`: spend from one's own provider keys (BYOK) doesn't count toward it.
    """

    reason: Reason
    most: int = 0
    credits_only: bool = False


@dataclass(frozen=True, slots=True)
class LimitedKey:
    """A key of which only `to_come` nano-dollars are expected, instead of its share."""

    reason: Reason
    to_come: int
    share: int
