"""The suites that there are: one a folder."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runner.bench import Bench

_BENCHMARKS = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Suite:
    """Benchmarks that belong together."""

    name: str
    cases: dict[str, Callable[[Bench], None]]


def find_suites() -> list[Suite]:
    """Every folder with a `suite.py`, in the order of their names."""
    names = sorted(path.parent.name for path in _BENCHMARKS.glob("*/suite.py"))
    return [Suite(name, importlib.import_module(f"{name}.suite").CASES) for name in names]
