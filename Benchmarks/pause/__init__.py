"""Pause and resume on a real Kubernetes, from the order to what its owner sees."""
