// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

@Suite("What a Checkpoint tells of its pod besides its template")
struct CheckpointDeltaTests {
    /// A pod of a sandbox that a webhook has changed.
    private func createPod(_ sandbox: KruiseSandbox, in cluster: CheckpointCluster) async throws {
        var pod = try Pod(
            json:
                #"{"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"main","image":"busybox:1","resources":"#
                + #"{"requests":{"cpu":"2m"}}},{"name":"side","image":"busybox:1"},{"name":"mesh","image":"mesh:1"}]}}"#
        )
        pod.metadata.name = sandbox.metadata.name
        pod.metadata.ownerReferences = [sandbox.controllerReference()]
        _ = try await cluster.cluster.pods.create(pod)
    }

    @Test("is what was put into it and which resources were changed, whatever is captured", arguments: [true, false])
    func delta(isInfoOnly: Bool) async throws {
        try await CheckpointCluster.run { cluster in
            try await createPod(try await cluster.createSandbox("web"), in: cluster)
            try await cluster.createCheckpoint("cp", of: "web") {
                $0.spec.persistentContents = isInfoOnly ? [.podInfo] : [.filesystem]
            }
            if !isInfoOnly { try await cluster.playSuccess("cp") }
            let checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            let text = try #require(checkpoint.status?.podTemplateDelta?.text)
            let spec = try #require(try JSONValue(json: text)["spec"])
            #expect(
                spec["$setElementOrder/containers"] == [["name": "main"], ["name": "side"], ["name": "mesh"]],
                "\(text)"
            )
            let containers = try #require(spec["containers"]?.array)
            #expect(containers.first == ["name": "main", "resources": ["requests": ["cpu": "2m"]]], "\(text)")
            #expect(containers.count == 2 && containers.last?["name"] == "mesh")
            #expect(containers.last?["image"] == "mesh:1")
            // Clones start from the template, into which webhooks put theirs again.
            let template = try #require(try await cluster.templates.get("cp").spec.podTemplate())
            #expect(template.spec.containers.map(\.name) == ["main", "side"])
        }
    }

    @Test("is nothing where its pod is as its template says, or where there is none")
    func nothing() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("cp", of: "web") { $0.spec.persistentContents = [.podInfo] }
            let checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            #expect(checkpoint.status?.podTemplateDelta == nil)
        }
    }
}
