"""Sandboxes from warm pools, and without any, on a real Kubernetes."""
