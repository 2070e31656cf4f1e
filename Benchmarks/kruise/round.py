"""One round: claims are created at once, and seen to have what they want."""

import statistics
import time
from dataclasses import dataclass

from kruise.setting import Endings, Setting
from kube.api_server import Connection, Request, send_over
from runner.table import milliseconds, seconds


@dataclass(frozen=True)
class Round:
    """What the claims of one round took, in seconds from the first request: each, and until the last was answered."""

    each: list[float]
    created: float


def claim_all(setting: Setting, endings: Endings, connections: list[Connection], claims: list[dict]) -> Round:
    """Creates claims, all at once, and looks whether each has a sandbox of its own."""
    start = time.monotonic()
    send_over(connections, [Request("POST", setting.path("sandboxclaims"), one) for one in claims])
    created = time.monotonic() - start
    each = [when - start for when in endings.wait([one["metadata"]["name"] for one in claims])]
    return Round(each, created)


def percentile(values: list[float], part: float) -> float:
    """The value that so large a part of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def shown(rounds: list[Round]) -> list[str]:
    """Cells of a table: medians over the rounds."""
    medians = [statistics.median(one.each) for one in rounds]
    tails = [percentile(one.each, 0.95) for one in rounds]
    longest = [max(one.each) for one in rounds]
    created = [one.created for one in rounds]
    return [_time(statistics.median(values)) for values in (medians, tails, longest, created)]


def _time(value: float) -> str:
    return milliseconds(value) if value < 10 else seconds(value)


HEAD = ["", "median", "95 of 100", "last", "all created"]
