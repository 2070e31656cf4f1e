"""The suite `kruise`."""

from kruise.claims import measure_claims
from kruise.clones import measure_clones

CASES = {"claims": measure_claims, "clones": measure_clones}
