"""The suite `pause`."""

from pause.transitions import measure_transitions

CASES = {"transitions": measure_transitions}
