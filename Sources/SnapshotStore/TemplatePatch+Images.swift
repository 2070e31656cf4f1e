// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
public import SandboxModels
public import SnapshotProvider

extension TemplatePatch {
    /// Starts each container from its image, by digest.
    ///
    /// - Throws: `SnapshotFailure` with the reason `InvalidArtifact` if a part's reference or digest is malformed.
    public init(startingFrom artifact: Artifact) throws(SnapshotFailure) {
        var images: [String: String] = [:]
        for part in artifact.parts {
            do {
                images[part.container] = try part.restoreLocation().description
            } catch {
                throw SnapshotFailure(
                    "InvalidArtifact",
                    "the image \(part.reference) (\(part.digest)) of container \(part.container) cannot be named: \(error)"
                )
            }
        }
        self.init(images: images)
    }
}
