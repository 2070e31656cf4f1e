"""Ten thousand pods of a real API server, by Stasis's Kubernetes client and by the official one for Python."""
