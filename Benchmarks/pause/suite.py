"""The suite `pause`."""

from pause.creation import measure_creation
from pause.transitions import measure_transitions

CASES = {"transitions": measure_transitions, "creation": measure_creation}
