// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How far the recycling of a pod is that a sandbox has given back.
enum RecycleStep: Hashable, Sendable {
    /// It is over.
    case done
    /// It goes on when something happens to the pod, or after a while.
    case waiting(after: Duration?)
    /// The pod is to be deleted instead.
    case delete(reason: String)
}
