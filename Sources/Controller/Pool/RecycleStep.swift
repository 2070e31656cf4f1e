// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How far the recycling of a pod is that a sandbox has given back.
enum RecycleStep: Sendable, Hashable {
    /// The next sandbox may have it, or it is gone.
    case done
    /// It is on its way; nil if a change of the pod tells of the end.
    case waiting(after: Duration?)
    /// It cannot be used again, and is to be deleted.
    case delete(reason: String)
}
