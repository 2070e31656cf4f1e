// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Something of a sandbox that nothing needs any more and that is still to be cleaned up.
public enum Leftover: Sendable, Hashable, Codable {
    /// What a capture has left: its Job, its holder, its lease, its records.
    case capture(uid: String)
    /// An artifact that a newer one replaced, or that no pause came of, or whose sandbox was deleted.
    case artifact(Artifact)
}
