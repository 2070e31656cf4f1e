"""How curl is called where it stands for a small part of a client."""

#: Says nothing but what went wrong, and fails if the server does not agree.
CURL = ["curl", "--silent", "--show-error", "--fail"]
