// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Provenance

/// Compiled, and not run: the tests of `Provenance` do the same.
func exampleOfProvenance(
    _ statement: SnapshotStatement,
    about image: Descriptor,
    in repository: any ImageRepository
) async throws {
    let key = SigningKey()
    let beside = ImageAttachments(to: image, in: repository)
    try await beside.attach(statement, signedWith: key)

    let policy = ProvenancePolicy(.require, trusting: key.publicKey)
    let believed = try await policy.statement(about: image.digest, in: repository)
    print(believed.predicate.source.sandbox)
}
