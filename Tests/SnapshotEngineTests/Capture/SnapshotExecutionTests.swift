// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import Provenance
import SandboxModels
import SnapshotProvider
import SnapshotStore
import TestSupport
import Testing

@testable import SnapshotEngine

/// What an image says of how its container was run, and what is stored beside it. Where a registry is named it needs root.
@Suite("What the image of a snapshot carries")
struct SnapshotExecutionTests {
    private static let execution: ContainerExecution = {
        var execution = ContainerExecution()
        execution.command = ["sh", "-c"]
        execution.arguments = ["exec sleep $1", "sh", "100"]
        execution.workingDirectory = "/www"
        execution.user = "1000:1000"
        execution.environmentNames = ["TOKEN", "ZONE"]
        execution.ports = ["8080/tcp"]
        execution.limits = ["cpu": "500m", "memory": "256Mi"]
        execution.requests = ["cpu": "100m"]
        execution.mounts = ["/data"]
        return execution
    }()

    @Test("a command replaces entry point and arguments, arguments replace arguments, as Kubernetes has it")
    func commands() {
        let image = ImageConfig.Execution(
            env: ["A=1", "B=2"],
            entrypoint: ["/entry"],
            cmd: ["x", "y"],
            workingDir: "/w"
        )
        func applied(_ change: (inout ContainerExecution) -> Void) -> ImageConfig.Execution {
            var (execution, config) = (ContainerExecution(), image)
            change(&execution)
            config.apply(execution)
            return config
        }
        #expect(applied { _ in } == image)
        let command = applied { $0.command = ["run"] }
        #expect(command.entrypoint == ["run"] && command.cmd == nil)
        let arguments = applied { $0.arguments = ["z"] }
        #expect(arguments.entrypoint == ["/entry"] && arguments.cmd == ["z"])
        let both = applied { ($0.command, $0.arguments) = (["run"], ["z"]) }
        #expect(both.entrypoint == ["run"] && both.cmd == ["z"])
        #expect(applied { $0.environment = ["B": "3", "C": "4"] }.env == ["A=1", "B=3", "C=4"])
    }

    @Test(
        "in a registry: the config runs it as it was run, its labels and its description say the rest, a statement is signed"
    )
    func registry() async throws {
        let key = SigningKey()
        let policy = ProvenancePolicy(.require, trusting: key.publicKey)
        try await CaptureFixture.with(key: key, provenance: policy) { fixture in
            try await DockerRegistry.run { registry in
                try await check(fixture, target: "\(registry.authority)/boxes/box:snap", policy)
            }
        }
    }

    @Test("in an image layout: the same")
    func layout() async throws {
        let key = SigningKey()
        let policy = ProvenancePolicy(.require, trusting: key.publicKey)
        try await CaptureFixture.with(key: key, provenance: policy) { fixture in
            try await check(fixture, target: "oci:\(fixture.folder)/store:snap", policy)
        }
    }

    private func check(_ fixture: CaptureFixture, target: String, _ policy: ProvenancePolicy) async throws {
        try await TestContainer.with(fixture.daemon) { container in
            try await fixture.exec(container, "echo captured >/etc/state")
            let request = fixture.request(container, to: target, keepRunning: true, execution: Self.execution)
            let artifact = try await fixture.capture(request).get()
            let repository = try fixture.repository(target)
            let image = try await repository.image(.tag("snap"))
            try checkConfig(image.config.config, request)
            #expect(RestoreDefaults(image)?.entrypoint == ["sh", "-c", "exec sleep $1", "sh", "100"])
            #expect(RestoreDefaults(image)?.limits == ["cpu": "500m", "memory": "256Mi"])
            #expect(RestoreDefaults(image)?.requests == ["cpu": "100m"])

            let attachments = ImageAttachments(to: image.descriptor, in: repository)
            let document = try await attachments.document(
                ofType: SnapshotDescription.artifactType,
                limit: SnapshotDescription.sizeLimit
            )
            let description = try ImageDocument.decode(
                SnapshotDescription.self,
                from: try #require(document),
                subject: "it"
            )
            #expect(description.execution == Self.execution)
            #expect(description.source.podUID == "pod-uid" && description.source.node == "here")
            #expect(description.manifest == image.descriptor.digest.description)

            let said = try await policy.statement(about: image.descriptor.digest, in: repository).predicate
            #expect(said.snapshot == request.uid && said.source.container == "main")
            #expect(said.configDigest == image.manifest.config.digest.description)
            #expect(said.capturedLayers == image.manifest.layers.suffix(1).map(\.digest.description))
            #expect(said.excludedPaths == ["/data"])
            #expect(said.createdAt == image.config.created)
            #expect(await fixture.provider.verify(artifact) == .done(Verified()))

            // Without what was said of it, it is none to start from.
            try await attachments.remove()
            guard case .failed(let failure) = await fixture.provider.verify(artifact) else {
                Issue.record("it was believed without a statement")
                return
            }
            #expect(failure.reason == "ProvenanceNotVerified")
            #expect(!failure.isRetryable)
            #expect(await fixture.provider.delete(artifact) == .done(Deleted()))
            #expect(try await repository.tags(after: nil, limit: 10).filter { $0.hasPrefix("sha256-") } == [])
            await fixture.give(up: request)
        }
    }

    private func checkConfig(_ config: ImageConfig.Execution, _ request: SnapshotRequest) throws {
        #expect(config.entrypoint == ["sh", "-c"])
        #expect(config.cmd == ["exec sleep $1", "sh", "100"])
        #expect(config.workingDir == "/www")
        #expect(config.user == "1000:1000")
        #expect(config.exposedPorts?.contains("8080/tcp") == true)
        let labels = try #require(config.labels)
        #expect(labels["dev.stasis.snapshot.limits"] == #"{"cpu":"500m","memory":"256Mi"}"#)
        #expect(labels["dev.stasis.snapshot.environment"] == #"["TOKEN","ZONE"]"#)
        #expect(labels["dev.stasis.snapshot.namespace"] == request.source.namespace)
        #expect(labels["dev.stasis.snapshot.pod"] == "box-pod")
    }

    @Test("nothing stays beside an image that was not stored in the end, nor beside one that is deleted")
    func nothingLeft() async throws {
        try await CaptureFixture.with(key: SigningKey()) { fixture in
            try await DockerRegistry.run { registry in
                try await TestContainer.with(fixture.daemon) { container in
                    let target = "\(registry.authority)/boxes/box:snap"
                    let request = fixture.request(container, to: target, keepRunning: true)
                    let artifact = try await fixture.capture(request).get()
                    let repository = try fixture.repository(target)
                    #expect(try await repository.tags(after: nil, limit: 10).count == 4)
                    #expect(await fixture.provider.delete(artifact) == .done(Deleted()))
                    #expect(try await repository.tags(after: nil, limit: 10) == [])
                    await fixture.give(up: request)
                }
            }
        }
    }
}
