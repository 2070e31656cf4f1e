"""The suite `server`."""

from server.creation import measure_creation
from server.proxying import measure_proxying
from server.reading import measure_reading

CASES = {"reading": measure_reading, "creation": measure_creation, "proxying": measure_proxying}
