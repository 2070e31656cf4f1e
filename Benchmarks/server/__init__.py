"""What the server does in a second of CPU time."""
