"""The longest stop of a container, as it is seen inside."""

import time
from pathlib import Path

_LOOP = """\
use strict;
use warnings;
use Time::HiRes qw(clock_gettime usleep CLOCK_MONOTONIC);

open(my $stops, '>>', '/watch/stops') or die "/watch/stops: $!";
open(my $started, '>', '/watch/started') or die "/watch/started: $!";
my $last = clock_gettime(CLOCK_MONOTONIC);
until (-e '/watch/end') {
    usleep(5000);
    my $now = clock_gettime(CLOCK_MONOTONIC);
    syswrite($stops, sprintf("%.4f %.4f\\n", $now, $now - $last)) if $now - $last > 0.010;
    $last = $now;
}
"""


class StopWatch:
    """A loop in a container that sleeps 5 ms at a time and writes down whenever that took longer than 10 ms.

    It writes into a folder of the host's memory, which is to be mounted in the container as `/watch`: so it changes
    nothing in the container, and waits for no disk.
    """

    COMMAND = ["perl", "/watch/loop.pl"]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "loop.pl").write_text(_LOOP)
        (folder / "stops").touch()

    def longest_stop(self, started: float, ended: float) -> float:
        """The longest one between two times of the monotonic clock, in seconds; 10 ms if none was longer."""
        time.sleep(0.05)
        stops = [tuple(map(float, line.split())) for line in (self.folder / "stops").read_text().splitlines()]
        return max((length for end, length in stops if end >= started and end - length <= ended), default=0.010)

    def end(self) -> None:
        """Lets the loop end by itself."""
        (self.folder / "end").touch()
