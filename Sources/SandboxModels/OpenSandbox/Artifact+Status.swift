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

extension Artifact {
    /// What a snapshot's status tells of its images; nil if it names none.
    public init?(_ status: SandboxSnapshotStatus) {
        let parts = status.containers.compactMap { container -> Part? in
            guard let digest = container.imageDigest else { return nil }
            return Part(
                container: container.containerName,
                reference: container.imageUri,
                digest: digest,
                size: Int64(container.size ?? 0),
                layers: container.layers,
                baseDigest: container.baseDigest
            )
        }
        guard !parts.isEmpty else { return nil }
        var statistics: Statistics?
        if let frozen = status.frozenMilliseconds {
            statistics = Statistics(
                frozenMilliseconds: Int64(frozen),
                bytesRead: Int64(status.bytesRead ?? 0),
                bytesWritten: Int64(status.bytesWritten ?? 0)
            )
        }
        self.init(
            provider: status.provider ?? "",
            parts: parts,
            platform: status.platform ?? "",
            statistics: statistics
        )
    }
}
