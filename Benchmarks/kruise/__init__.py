"""Claims of warm sandboxes and clones of checkpoints, by the Kruise dialect, on a real Kubernetes."""
