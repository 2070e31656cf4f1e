"""The official clients, and the official server, on a whole Kubernetes: see conftest.py."""
