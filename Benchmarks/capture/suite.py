"""The suite `capture`."""

from capture.comparison import compare
from capture.growth import grow
from capture.second_commit import commit_again

CASES = {"comparison": compare, "second": commit_again, "growth": grow}
