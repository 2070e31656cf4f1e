// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels

/// The ways in which objects of a cluster name an image.
enum ClusterRecord: CaseIterable {
    case runningTemplate, pausedRecord, keptImages, snapshot, pool, pod, podOfTag
    case kruiseSandbox, kruiseSet, kruiseTemplate, checkpointNote

    /// Makes an object that names an image.
    ///
    /// - Parameters:
    ///   - repository: the repository's name.
    ///   - digest: the image's digest, `sha256:...`.
    func make(_ name: String, naming repository: String, tag: String, _ digest: String, _ client: KubeClient)
        async throws
    {
        let image = "\(repository)@\(digest)"
        let template = #"{"spec":{"containers":[{"name":"main","image":"\#(image)"}]}}"#
        let plain = #"{"spec":{"containers":[{"name":"main","image":"registry.example/base:1"}]}}"#
        switch self {
        case .runningTemplate:
            try await create(client, BatchSandbox.self, name, #"{"replicas":1,"template":\#(template)}"#)
        case .pausedRecord:
            try await create(
                client,
                BatchSandbox.self,
                name,
                #"{"replicas":1,"pause":true,"template":\#(plain)}"#,
                note: (OpenSandbox.Annotation.record, #"{"artifact":{"parts":[{"digest":"\#(digest)"}]}}"#)
            )
        case .keptImages:
            try await create(
                client,
                BatchSandbox.self,
                name,
                #"{"replicas":1,"template":\#(plain)}"#,
                note: (OpenSandbox.Annotation.images, #"{"entries":["\#(digest)"]}"#)
            )
        case .snapshot:
            try await create(client, SandboxSnapshot.self, name, #"{"sandboxName":"gone"}"#)
            _ = try await client.resource(SandboxSnapshot.self, in: "default").update(name, subresource: .status) {
                snapshot in
                snapshot = try SandboxSnapshot(
                    json: snapshot.jsonText.dropLast()
                        + #","status":{"phase":"Succeed","containers":[{"containerName":"main","imageUri":"\#(repository):\#(tag)","imageDigest":"\#(digest)"}]}}"#
                )
            }
        case .pool:
            let capacity = #"{"bufferMax":1,"bufferMin":0,"poolMax":1,"poolMin":0}"#
            try await create(client, Pool.self, name, #"{"capacitySpec":\#(capacity),"template":\#(template)}"#)
        case .pod:
            try await create(client, Pod.self, name, #"{"containers":[{"name":"main","image":"\#(image)"}]}"#)
        case .podOfTag:
            // The cluster knows the registry by another name.
            let path = repository.split(separator: "/").dropFirst().joined(separator: "/")
            try await create(
                client,
                Pod.self,
                name,
                #"{"containers":[{"name":"main","image":"registry.internal/\#(path):\#(tag)"}]}"#
            )
        case .kruiseSandbox:
            try await create(client, KruiseSandbox.self, name, #"{"template":\#(template)}"#)
        case .kruiseSet:
            try await create(client, KruiseSandboxSet.self, name, #"{"replicas":0,"template":\#(template)}"#)
        case .kruiseTemplate:
            try await create(client, KruiseSandboxTemplate.self, name, #"{"template":\#(template)}"#)
        case .checkpointNote:
            try await create(
                client,
                KruiseCheckpoint.self,
                name,
                #"{"sandboxName":"gone"}"#,
                note: ("example.com/image", image)
            )
        }
    }

    private func create<Object: KubeResource>(
        _ client: KubeClient,
        _ type: Object.Type,
        _ name: String,
        _ spec: String,
        note: (name: String, text: String)? = nil
    ) async throws {
        var object = try Object(
            json:
                #"{"apiVersion":"\#(type.resourceType.apiVersion)","kind":"\#(type.resourceType.kind)","metadata":{"name":"\#(name)"},"spec":\#(spec)}"#
        )
        if let note { object.metadata.annotations = [note.name: note.text] }
        _ = try await client.resource(type, in: "default").create(object)
    }
}
