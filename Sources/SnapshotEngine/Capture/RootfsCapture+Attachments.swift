// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import Provenance
import SnapshotProvider
import SnapshotStore

/// What is stored beside the image of a snapshot, before the image itself has a name: whoever finds the name finds all of it.
extension RootfsCapture {
    /// Stores the description and, if there is a key, the signed statement.
    ///
    /// A store that takes no description is no reason to lose the snapshot: all that a restore needs is in the image. One that
    /// takes no statement is, because nobody would believe the image.
    func attach(to manifest: Descriptor, _ image: SnapshotImage, of container: PreparedContainer) async throws {
        let attachments = ImageAttachments(to: manifest, in: container.target)
        do {
            try await attachments.attach(
                try ImageDocument.encode(image.description(manifest: manifest.digest)),
                type: SnapshotDescription.artifactType,
                created: image.created
            )
        } catch let error as RegistryError {
            logger.warning(
                "the description of a snapshot could not be stored beside it",
                metadata: ["repository": "\(container.target.name)", "error": "\(error)"]
            )
        }
        guard let signer else { return }
        try await CaptureError.wrapping(container) {
            try await attachments.attach(
                SnapshotStatement(
                    about: manifest.digest,
                    named: container.target.name,
                    image.predicate(by: signer.committer)
                ),
                signedWith: signer.key
            )
        }
    }
}

extension SnapshotImage {
    /// The image for whoever wants to know more than how to run it.
    func description(manifest: Digest) -> SnapshotDescription {
        SnapshotDescription(
            of: container,
            in: request,
            manifest: manifest,
            platform: parent.config.platform,
            parentDigest: parent.descriptor.digest.description,
            baseDigest: baseDigest,
            createdAt: created
        )
    }

    /// What is said of it under a signature.
    func predicate(by committer: SnapshotStatement.Committer) throws(RegistryError) -> SnapshotStatement.Predicate {
        SnapshotStatement.Predicate(
            snapshot: request.uid,
            source: SnapshotStatement.Source(
                sandbox: request.source.sandbox,
                container: container.name,
                namespace: request.source.namespace,
                pod: request.source.pod,
                podUID: request.source.podUID,
                node: request.source.node
            ),
            parentDigest: parent.descriptor.digest.description,
            baseDigest: baseDigest,
            configDigest: Digest.sha256(of: try ImageDocument.encode(config)).description,
            capturedLayers: layers.map(\.descriptor.digest.description),
            excludedPaths: container.execution?.mounts ?? [],
            createdAt: created,
            committer: committer
        )
    }
}
