"""The suite `pool`."""

from pool.delivery import measure_delivery

CASES = {"delivery": measure_delivery}
