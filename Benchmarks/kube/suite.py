"""The suite `kube`."""

from kube.decoding import decode
from kube.event_rate import hear_events
from kube.request_cost import send_requests
from kube.start import start

CASES = {"start": start, "events": hear_events, "decoding": decode, "requests": send_requests}
