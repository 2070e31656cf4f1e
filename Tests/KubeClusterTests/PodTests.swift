// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import NIOCore
import Testing

/// Commands and logs, against a real API server and kubelet.
@Suite(.serialized)
struct PodTests {
    /// Runs `body` with a pod that runs a shell script.
    private func withPod(_ script: String, _ body: (ResourceClient<Pod>, String) async throws -> Void) async throws {
        try await Cluster.run { client, namespace in
            // A pod is refused until its service account is there.
            for try await event in client.resource(ServiceAccount.self, in: .named(namespace)).watch() {
                if event.object?.metadata.name == "default" { break }
            }
            let pods = client.resource(Pod.self, in: .named(namespace))
            let image = try Cluster.busybox()
            let pod = Pod.with {
                $0.metadata.name = "one"
                $0.spec.automountServiceAccountToken = false
                $0.spec.terminationGracePeriodSeconds = 0
                $0.spec.restartPolicy = "Never"
                $0.spec.containers = [
                    .with {
                        $0.name = "main"
                        $0.image = image
                        $0.command = ["sh", "-c", script]
                    }
                ]
            }
            let created = try await pods.create(pod)
            var options = ListOptions(fields: .name("one"))
            options.resourceVersion = created.metadata.resourceVersion
            for try await event in pods.watch(options) {
                if event.object?.status?.phase != nil, event.object?.status?.phase != "Pending" { break }
            }
            try await body(pods, "one")
            try await pods.delete("one", DeleteOptions(gracePeriodSeconds: 0))
        }
    }

    @Test func runsCommands() async throws {
        try await withPod("sleep 3600") { pods, name in
            let good = try await pods.exec(in: name, ["sh", "-c", "echo out; echo err >&2"])
            #expect(
                good.exit.code == 0 && String(buffer: good.output) == "out\n" && String(buffer: good.error) == "err\n"
            )
            #expect(try await pods.exec(in: name, ["sh", "-c", "exit 7"]).exit.code == 7)
            let large = try await pods.exec(in: name, ["sh", "-c", "head -c 3000000 /dev/zero"], outputLimit: 4 << 20)
            #expect(large.output.readableBytes == 3_000_000)
            let missing = await #expect(throws: KubeError.self) { try await pods.exec(in: name, ["no-such-program"]) }
            #expect(missing?.kind == .serverFault, "\(missing.map(\.description) ?? "")")
            let nobody = await #expect(throws: KubeError.self) { try await pods.exec(in: "nobody", ["true"]) }
            #expect(nobody?.kind == .notFound, "\(nobody.map(\.description) ?? "")")
            let echoed = try await pods.exec(in: name, ["head", "-c", "100000"], ExecOptions(hasInput: true)) {
                session in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await session.write(ByteBuffer(repeating: 0x61, count: 100_000)) }
                    var count = 0
                    for try await case .output(let bytes) in session.events { count += bytes.readableBytes }
                    try await group.waitForAll()
                    return count
                }
            }
            #expect(echoed == 100_000)
        }
    }

    @Test func readsLogs() async throws {
        try await withPod("for i in 1 2 3; do echo line $i; sleep 1; done") { pods, name in
            var lines: [String] = []
            for try await line in try await pods.log(of: name, LogOptions(isFollowing: true)).lines {
                lines.append(line)
            }
            #expect(lines == ["line 1", "line 2", "line 3"])
            var last: [String] = []
            let options = LogOptions(container: "main", tailLines: 1, hasTimestamps: true)
            for try await line in try await pods.log(of: name, options).lines { last.append(line) }
            #expect(last.count == 1 && last.first?.hasSuffix("Z line 3") == true, "\(last)")
            await #expect(throws: KubeError.self) { try await pods.log(of: name, LogOptions(container: "other")) }
        }
    }

    @Test func discoversTypes() async throws {
        try await Cluster.run { client, _ in
            let discovery = Discovery(client)
            let job = try await discovery.resourceType(kind: "Job", apiVersion: "batch/v1")
            #expect(job == Job.resourceType)
            #expect(try await discovery.resourceType(kind: "Node", apiVersion: "v1") == Node.resourceType)
            #expect(
                try await discovery.resourceType(kind: "Lease", apiVersion: "coordination.k8s.io/v1")
                    == Lease.resourceType
            )
            #expect(try await discovery.resourceType(kind: "Nothing", apiVersion: "v1") == nil)
            #expect(try await discovery.resourceType(kind: "Nothing", apiVersion: "nobody.example/v1") == nil)
            #expect(try await discovery.groups().contains { $0.name == "apps" })
            // What the models say of types is what the server says.
            for type in [
                Pod.resourceType, Secret.resourceType, ConfigMap.resourceType, Namespace.resourceType,
                ServiceAccount.resourceType,
                PersistentVolumeClaim.resourceType, Service.resourceType, CoreEvent.resourceType, Event.resourceType,
                RuntimeClass.resourceType, CustomResourceDefinition.resourceType,
            ] {
                #expect(try await discovery.resourceType(kind: type.kind, apiVersion: type.apiVersion) == type)
            }
        }
    }

    /// Everything that the cluster has survives being read and written.
    @Test func nothingIsLost() async throws {
        func check<Object: KubeResource>(_ type: Object.Type, _ client: KubeClient) async throws {
            let typed = try await client.resource(type, in: .all).list()
            let raw = try await client.resource(Object.resourceType, in: .all).list()
            for object in raw.items {
                guard let twin = typed.items.first(where: { $0.metadata.uid == object.metadata.uid }),
                    twin.metadata.resourceVersion == object.metadata.resourceVersion
                else { continue }
                #expect(Self.meaning(try JSONValue(encoding: twin)) == Self.meaning(try JSONValue(encoding: object)))
            }
        }
        try await Cluster.run { client, _ in
            try await check(Pod.self, client)
            try await check(Node.self, client)
            try await check(Secret.self, client)
            try await check(Service.self, client)
            try await check(Namespace.self, client)
            try await check(ServiceAccount.self, client)
            try await check(Event.self, client)
            try await check(CoreEvent.self, client)
            try await check(Lease.self, client)
            try await check(CustomResourceDefinition.self, client)
        }
    }

    /// Without null and what is empty, which means that nothing is there.
    private static func meaning(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(members.mapValues { meaning($0) }.filter { ![.null, .object([:]), .array([])].contains($0.value) })
        case .array(let elements): .array(elements.map { meaning($0) })
        default: value
        }
    }
}
