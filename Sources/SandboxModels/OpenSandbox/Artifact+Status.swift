// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

extension CapturedContainer {
    /// What was captured of one container.
    public init(_ part: Artifact.Part) {
        self.init()
        containerName = part.container
        imageUri = part.reference
        imageDigest = part.digest
        size = Int(part.size)
        layers = part.layers
        baseDigest = part.baseDigest
    }
}

extension ArtifactSummary {
    /// An artifact for people; `nil` if it has no parts.
    public init?(_ artifact: Artifact, completionTime: Timestamp? = nil) {
        guard let first = artifact.parts.first else { return nil }
        self.init()
        imageUri = first.reference
        imageDigest = first.digest
        baseDigest = first.baseDigest
        size = artifact.parts.reduce(0) { $0 &+ Int($1.size) }
        frozenMilliseconds = artifact.statistics.map { Int($0.frozenMilliseconds) }
        self.completionTime = completionTime
    }
}

extension SandboxSnapshotStatus {
    /// Tells of a verified artifact. Containers that are listed already, and of which it has nothing, stay.
    public mutating func tell(_ artifact: Artifact) {
        for part in artifact.parts {
            let container = CapturedContainer(part)
            if let place = containers.firstIndex(where: { $0.containerName == part.container }) {
                var told = container
                told.unknownFields = containers[place].unknownFields
                containers[place] = told
            } else {
                containers.append(container)
            }
        }
        provider = artifact.provider
        platform = artifact.platform
        frozenMilliseconds = artifact.statistics.map { Int($0.frozenMilliseconds) }
        bytesRead = artifact.statistics.map { Int($0.bytesRead) }
        bytesWritten = artifact.statistics.map { Int($0.bytesWritten) }
        progress = nil
    }
}
