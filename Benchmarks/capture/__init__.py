"""Saving what a container has changed as an image in a registry: by Stasis, and by the programs that can do it too."""
