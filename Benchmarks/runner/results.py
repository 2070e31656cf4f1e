"""What was found, as rows for programs."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One number of ours, and a peer's if there is one."""

    suite: str
    case: str
    metric: str
    unit: str
    stasis: float | None
    peer: float | None
    peerName: str | None
    #: How many times less ours is.
    ratio: float | None


class Results:
    """All rows of a run. In all of them less is better."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(
        self, suite: str, case: str, metric: str, unit: str, stasis: float | None, peer: float | None, peer_name: str | None
    ) -> None:
        self.rows.append(Row(suite, case, metric, unit, stasis, peer, peer_name, ratio(stasis, peer)))

    def write_json(self, path: Path) -> None:
        """Writes an array of rows, a line each."""
        lines = ",\n".join("  " + json.dumps(asdict(row)) for row in self.rows)
        path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def ratio(stasis: float | None, peer: float | None) -> float | None:
    """How many times less ours is than the peer's."""
    return None if not stasis or peer is None else round(peer / stasis, 3)
