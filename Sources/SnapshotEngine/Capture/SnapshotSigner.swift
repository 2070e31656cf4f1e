// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Provenance

/// Who signs what is captured.
public struct SnapshotSigner: Sendable {
    /// The key.
    public var key: SigningKey
    /// The program that captures, as statements tell it.
    public var committer: SnapshotStatement.Committer

    /// Creates a signer.
    ///
    /// - Parameter version: The version of this program.
    public init(_ key: SigningKey, version: String = "0.1.0") {
        self.key = key
        committer = SnapshotStatement.Committer(name: "stasis", version: version)
    }
}
