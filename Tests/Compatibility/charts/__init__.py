"""The Helm charts of deploy/helm, rendered by Helm's parts that Debian has, and a stand-in for the `helm` that it has not."""
