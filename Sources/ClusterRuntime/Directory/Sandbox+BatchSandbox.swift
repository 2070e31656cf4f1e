// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

extension Sandbox {
    /// What an object says, for those who ask for the sandbox.
    init(_ object: BatchSandbox) {
        let metadata = object.metadata
        let request = object.request
        let created = metadata.creationTimestamp?.date ?? Date(timeIntervalSince1970: 0)
        let status = SandboxStatus(object, created: created)
        let container = request == nil ? object.mainContainer : nil
        let image = request?.image ?? container?.image ?? "unknown"
        let resumable: Set<SandboxStatus.State> = [.paused, .resuming]
        self.init(
            id: object.sandboxID,
            spec: SandboxSpec(
                image: image,
                snapshotID: metadata.labels[OpenSandbox.Label.snapshotID],
                entrypoint: request?.entrypoint ?? Self.entrypoint(of: container),
                environment: [:],
                resourceLimits: [:],
                metadata: metadata.labels.filter { !$0.key.hasPrefix(OpenSandbox.Label.reservedPrefix) },
                extensions: request?.extensions ?? [:],
                platform: request?.platform
            ),
            status: status,
            createdAt: created,
            expiresAt: object.spec.expireTime?.date,
            artifact: resumable.contains(status.state) ? object.status?.artifact.map { Artifact($0) } : nil,
            revision: metadata.resourceVersion.map { "\(metadata.uid ?? "")/\($0)" }
        )
    }

    /// What a container runs that somebody made by hand, without what starts execd before it.
    private static func entrypoint(of container: Container?) -> [String] {
        guard let container else { return [] }
        let command = container.command + container.args
        return command.first == Execd.bootstrap ? Array(command.dropFirst()) : command
    }
}

extension BatchSandbox {
    /// The container that the sandbox is: the one called `sandbox`, else the first one.
    var mainContainer: Container? {
        guard let template = try? spec.podTemplate() else { return nil }
        return template.spec.containers.first { $0.name == Execd.container } ?? template.spec.containers.first
    }
}

extension Artifact {
    /// What the status tells of the first container's image.
    fileprivate init(_ summary: ArtifactSummary) {
        let part = Part(
            container: Execd.container,
            reference: summary.imageUri,
            digest: summary.imageDigest,
            size: Int64(summary.size ?? 0),
            baseDigest: summary.baseDigest
        )
        self.init(provider: "oci-rootfs", parts: [part], platform: "")
    }
}
