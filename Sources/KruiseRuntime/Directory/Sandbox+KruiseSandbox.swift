// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

extension Sandbox {
    /// What an object says, for those who ask for the sandbox.
    init(_ object: KruiseSandbox) {
        let metadata = object.metadata
        let created = metadata.creationTimestamp?.date ?? Date(timeIntervalSince1970: 0)
        let claimed = metadata.annotations[Kruise.Annotation.claimTimestamp].flatMap { Timestamp($0) }?.date
        let status = SandboxStatus(object, created: claimed ?? created)
        let resumable: Set<SandboxStatus.State> = [.paused, .resuming, .failed]
        let timeout = SandboxTimeout(object.spec)
        let request = object.request
        var told = UserMetadata.of(metadata)
        told[UserMetadata.resourceKey] = "\(metadata.namespace ?? "")/\(metadata.name)"
        if request?.tellsAddress == true { told[UserMetadata.addressKey] = object.address }
        var spec = SandboxSpec(
            image: "unknown",
            snapshotID: metadata.annotations[Kruise.Annotation.restoreFrom],
            metadata: told,
            extensions: request?.extensions ?? [:],
            owner: metadata.annotations[Kruise.Annotation.owner],
            team: metadata.namespace,
            template: request?.template ?? metadata.labels[Kruise.Label.sandboxTemplate],
            timeout: TimeoutPolicy(
                timeout.pauses ? .pause : .delete,
                retention: object.pausedRetention,
                leastAfterResume: Double(request?.leastAfterResume ?? 0)
            ),
            access: metadata.annotations[Kruise.Annotation.runtimeAccessToken].map {
                SandboxAccess(token: $0, closesAllPorts: request?.closesAllPorts == true)
            }
        )
        // What is no template says nothing.
        if let template = try? object.spec.podTemplate() { spec.take(template) }
        self.init(
            id: object.sandboxID,
            spec: spec,
            status: status,
            createdAt: claimed ?? created,
            expiresAt: object.spec.shutdownTime?.date,
            pausesAt: object.spec.pauseTime?.date,
            artifact: resumable.contains(status.state) ? object.status?.artifact.map { Artifact($0) } : nil,
            revision: metadata.resourceVersion.map { "\(metadata.uid ?? "")/\($0)" }
        )
    }

    /// Whether it is over, though its object is still there.
    func isOver(at now: Date) -> Bool { expiresAt.map { $0 <= now } ?? false }
}

extension SandboxSpec {
    /// Takes from a template of pods what it says of the first container.
    mutating func take(_ template: PodTemplateSpec) {
        guard let container = template.spec.containers.first else { return }
        image = container.image ?? image
        entrypoint = container.command + container.args
        resourceLimits = container.quantities
    }
}

extension Container {
    /// What it may have, or at least needs, by resource name.
    var quantities: [String: String] {
        (resources?.requests ?? [:]).merging(resources?.limits ?? [:]) { $1 }.mapValues(\.description)
    }
}

extension KruiseSandbox {
    /// The address of its pod; nil if it has none.
    var address: String? {
        [status?.podInfo?.podIP, status?.sandboxIp].lazy.compactMap { $0 }.first { !$0.isEmpty }
    }
}

extension Artifact {
    /// What the status tells of the first container's image.
    fileprivate init(_ summary: ArtifactSummary) {
        let part = Part(
            container: "sandbox",
            reference: summary.imageUri,
            digest: summary.imageDigest,
            size: Int64(summary.size ?? 0),
            baseDigest: summary.baseDigest
        )
        self.init(provider: "oci-rootfs", parts: [part], platform: "")
    }
}
