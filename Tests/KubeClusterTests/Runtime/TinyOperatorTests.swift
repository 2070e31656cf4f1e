// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import Subprocess
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The operator of `Examples/TinyOperator` as it is, two of it, against an API server of their own.
@Suite(.serialized)
struct TinyOperatorTests {
    private static let greeting = ResourceType(
        group: "tiny.example",
        version: "v1",
        kind: "Greeting",
        plural: "greetings"
    )

    /// The operators, of which a test knows only the processes.
    private final class Operators: Sendable {
        private let pids = Mutex<[String: ProcessIdentifier]>([:])

        func run(_ identity: String, _ kubeconfig: String) async throws {
            let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            let result = try await Subprocess.run(
                .path(FilePath(folder.appending(path: "tiny-operator").path)),
                arguments: [kubeconfig, "default", identity],
                input: .none,
                output: .sequence,
                error: .discarded
            ) { execution in
                pids.withLock { $0[identity] = execution.processIdentifier }
                for try await _ in execution.standardOutput.strings() {}
            }
            #expect(result.terminationStatus.isSuccess, "\(identity): \(result.terminationStatus)")
        }

        func end(_ identity: String) throws {
            guard let pid = pids.withLock({ $0[identity] }) else { return }
            kill(pid.value, SIGTERM)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func greetsHandsOverAndCleansUp() async throws {
        let testbed = try KubernetesTestbed.find()
        try await Cluster.runOwnServer { server, client in
            let folder = FileManager.default.temporaryDirectory.appending(path: "tiny-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let kubeconfig = folder.appending(path: "config")
            try String(contentsOfFile: testbed.kubeconfig, encoding: .utf8)
                .replacing(testbed.api, with: "https://\(server.authority)")
                .write(to: kubeconfig, atomically: true, encoding: .utf8)
            let greetings = client.resource(Self.greeting, in: "default")
            let definition = URL(fileURLWithPath: #filePath).appending(
                path: "../../../../Examples/TinyOperator/crd.yaml"
            )
            try await Command.run(
                "env",
                [
                    testbed.kubectlProgram, "--kubeconfig", kubeconfig.path, "--cache-dir", "\(folder.path)/kubectl",
                    "create",
                    "--validate=false",
                    "--filename", definition.standardized.path,
                ]
            )
            // It is served a moment later.
            while (try? await greetings.list()) == nil { try await Task.sleep(for: .milliseconds(20)) }

            let lease = client.resource(Lease.self, in: "default")
            let operators = Operators()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for identity in ["a", "b"] { group.addTask { try await operators.run(identity, kubeconfig.path) } }
                var hello = DynamicObject(Self.greeting, name: "hello")
                hello["spec"] = ["person": "Ada"]
                _ = try await greetings.create(hello)
                _ = try await greetings.first("hello") { $0["status"]?["text"]?.string == "Hello, Ada!" }
                #expect(try await client.maps.get("hello").data == ["text": "Hello, Ada!"])
                #expect(try await greetings.get("hello").metadata.finalizers == ["tiny.example/goodbye"])

                // The one that leads ends, and the other one takes over.
                let leader = try #require(try await lease.get("tiny-operator").spec.holderIdentity)
                let other = leader == "a" ? "b" : "a"
                try operators.end(leader)
                try await group.next()
                _ = try await lease.first("tiny-operator") { $0.spec.holderIdentity == other }
                _ = try await greetings.patch("hello", .merge(MergePatch(["spec": ["person": "Grace"]])))
                _ = try await greetings.first("hello") { $0["status"]?["text"]?.string == "Hello, Grace!" }
                #expect(try await client.maps.get("hello").data == ["text": "Hello, Grace!"])

                // Its finalizer is taken out, or the object would stay.
                try await greetings.delete("hello")
                while try await greetings.find("hello") != nil { try await Task.sleep(for: .milliseconds(20)) }
                try operators.end(other)
                try await group.waitForAll()
                #expect(try await lease.get("tiny-operator").spec.holderIdentity == "")
            }
            let events = try await client.resource(CoreEvent.self, in: "default").list().items
            #expect(Set(events.compactMap(\.reason)).isSuperset(of: ["Greeted", "LeftAlone"]))
        }
    }
}

extension ResourceClient {
    /// The first state of an object that is as wanted.
    fileprivate func first(_ name: String, where isWanted: (Object) -> Bool) async throws -> Object {
        for try await event in watch(ListOptions(fields: .name(name))) {
            if let object = event.object, isWanted(object) { return object }
        }
        throw CancellationError()
    }
}
