// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Sandboxes in a namespace of a Kubernetes cluster, as `BatchSandbox`es.
public struct ClusterRuntime: Sendable {}
