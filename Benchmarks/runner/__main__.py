"""The command line: which suites and cases to run, and where the rows go."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from runner.bench import Bench
from runner.interrupt import ends_by_signal
from runner.machine import describe_machine
from runner.results import Results
from runner.suites import Suite, find_suites


def main() -> int:
    suites = find_suites()
    arguments = _parse(suites)
    chosen = [suite for suite in suites if suite.name in (arguments.suite or [suite.name])]
    if arguments.list:
        for suite in chosen:
            print(f"{suite.name}: {', '.join(suite.cases)}")
        return 0
    print(describe_machine(), flush=True)
    results = Results()
    cache = Path(os.environ["STASIS_CACHE_DIR"], "benchmarks")
    cache.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        with ends_by_signal():
            for suite in chosen:
                _run(suite, arguments.case, results, cache)
    finally:
        # What was measured before something failed is kept.
        if path := os.environ.get("BENCH_JSON"):
            results.write_json(Path(path))
    print(f"\nMeasured in {time.monotonic() - started:.0f} s.")
    return 0


def _run(suite: Suite, cases: list[str], results: Results, cache: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f"stasis-bench-{suite.name}-", ignore_cleanup_errors=True) as folder:
        bench = Bench(suite.name, Path(os.environ["STASIS_BIN_DIR"]), Path(folder), cache, results)
        with bench:
            for name, case in suite.cases.items():
                if not cases or name in cases:
                    bench.enter(name)
                    case(bench)


def _parse(suites: list[Suite]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description="Measures Stasis beside its peers.")
    parser.add_argument("--suite", action="append", choices=[suite.name for suite in suites], help="run only this one")
    every_case = sorted({case for suite in suites for case in suite.cases})
    parser.add_argument("--case", action="append", default=[], choices=every_case, help="run only this one")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
