// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// Which of the templates that a set has kept go.
public enum KruiseSetHistory {
    /// How many are kept, besides those that are in use.
    public static let limit = 10

    /// Those that go: the oldest of those that no sandbox of the set is of.
    ///
    /// - Parameters:
    ///   - templates: What the set owns.
    ///   - revisions: The present one, and those of its sandboxes.
    public static func surplus(_ templates: [KruiseSandboxTemplate], revisions: Set<String>) -> [KruiseSandboxTemplate]
    {
        let (used, others) = templates.reduce(into: ([KruiseSandboxTemplate](), [KruiseSandboxTemplate]())) {
            parts,
            next in
            guard next.metadata.deletionTimestamp == nil else { return }
            if next.metadata.labels[Kruise.Label.templateHash].map(revisions.contains) ?? false {
                parts.0.append(next)
            } else {
                parts.1.append(next)
            }
        }
        let newest = others.sorted { left, right in
            let times = (left.metadata.creationTimestamp?.seconds ?? 0, right.metadata.creationTimestamp?.seconds ?? 0)
            return times.0 == times.1 ? left.metadata.name < right.metadata.name : times.0 > times.1
        }
        return Array(newest.dropFirst(max(0, limit - used.count)))
    }
}
