// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// Snapshots that are really taken, by a Job on the node, into the testbed's registry, of pods that its kubelet runs: all that
/// docs/agent-sandbox.md says to type.
@Suite("A Sandbox of the AgentSandbox dialect whose filesystem is committed")
struct AgentSandboxEndToEndTests {
    typealias Agents = AgentSandboxCluster<AgentSandboxV1Beta1>

    @Test("comes back with its files, and others start from them, as documented", .timeLimit(.minutes(15)))
    func documented() async throws {
        try await Agents.run(capturing: { _ in }) { agents in
            let cluster = agents.cluster
            try await agents.create("my-sandbox")
            try await agents.waitUntilReady("my-sandbox")
            try await cluster.shell("echo kept > /root/marker", in: "my-sandbox")

            // Suspend, see, resume.
            let sandbox = "sandboxes.agents.x-k8s.io/my-sandbox"
            _ = try await cluster.kubectl("annotate", "--overwrite", sandbox, "stasis.dev/suspend=true")
            let ended = try await agents.wait(for: "my-sandbox") { $0.state == "Suspended" || $0.suspend == "false" }
            try #require(ended.state == "Suspended", "\(ended.message ?? "")")
            let path = #"jsonpath={.metadata.annotations.stasis\.dev/state}"#
            #expect(try await cluster.kubectl("get", sandbox, "-o", path) == "Suspended")
            #expect(try await cluster.pods.find("my-sandbox") == nil)
            _ = try await cluster.kubectl("annotate", "--overwrite", sandbox, "stasis.dev/suspend=false")
            let resumed = try await agents.waitUntilResumed("my-sandbox")
            #expect(try await cluster.shell("cat /root/marker", in: "my-sandbox") == "kept\n")
            let pod = try await cluster.pods.get("my-sandbox")
            #expect(pod.spec.containers.first?.image?.contains("@sha256:") == true)
            #expect(resumed.originalImages == ["main": cluster.image])

            // Once more, resumed by the mode alone.
            try await cluster.shell("echo again >> /root/marker", in: "my-sandbox")
            _ = try await cluster.kubectl("annotate", "--overwrite", sandbox, "stasis.dev/suspend=true")
            try await agents.waitUntilSuspended("my-sandbox")
            let running = #"{"spec":{"operatingMode":"Running"}}"#
            _ = try await cluster.kubectl("patch", sandbox, "--type=merge", "-p", running)
            try await agents.waitUntilResumed("my-sandbox")
            #expect(try await cluster.shell("cat /root/marker", in: "my-sandbox") == "kept\nagain\n")

            // A snapshot, and a sandbox from it, here and elsewhere.
            _ = try await cluster.testbed.kubectl(
                ["--namespace", cluster.namespace, "apply", "--filename", "-"],
                input: """
                    apiVersion: sandbox.opensandbox.io/v1alpha1
                    kind: SandboxSnapshot
                    metadata: {name: before-upgrade}
                    spec:
                      sandboxName: my-sandbox
                      source: {apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, name: my-sandbox}
                    """
            )
            let snapshot = try await cluster.wait(forSnapshot: "before-upgrade") { $0.status?.completionTime != nil }
            try #require(snapshot.status?.phase == .succeed, "\(snapshot.status?.conditions ?? [])")
            #expect(try await cluster.pods.get("my-sandbox").metadata.deletionTimestamp == nil)
            try await cluster.shell("echo later >> /root/marker", in: "my-sandbox")
            try await agents.create("second") {
                $0.isSuspended = true
                $0.metadata.annotations["stasis.dev/restore-from"] = "before-upgrade"
            }
            try await agents.waitUntilResumed("second")
            #expect(try await cluster.shell("cat /root/marker", in: "second") == "kept\nagain\n")
            try await elsewhere(snapshot, agents)
            #expect(try await agents.isStatusUpstreams(of: "my-sandbox"))
        }
    }

    /// Restores in another namespace, where a controller that watches all namespaces would do it, and as a plain manifest, which needs
    /// no controller of ours.
    private func elsewhere(_ snapshot: SandboxSnapshot, _ agents: Agents) async throws {
        let name = snapshot.metadata.name
        try await Agents.run(capturing: { _ in }) { other in
            let origin = "\(agents.cluster.namespace)/\(name)"
            try await other.create("moved") {
                $0.isSuspended = true
                $0.metadata.annotations["stasis.dev/restore-from"] = origin
            }
            try await other.wait(for: "moved", toSay: "SnapshotNotGiven")
            let gift = "stasis.dev/restore-into=\(other.cluster.namespace)"
            _ = try await agents.cluster.kubectl("annotate", "sandboxsnapshots.sandbox.opensandbox.io/\(name)", gift)
            try await other.waitUntilResumed("moved")
            #expect(try await other.cluster.shell("cat /root/marker", in: "moved") == "kept\nagain\n")

            let path = "jsonpath={.status.containers[0].imageUri}@{.status.containers[0].imageDigest}"
            let image = try await agents.cluster.kubectl(
                "get",
                "sandboxsnapshots.sandbox.opensandbox.io/\(name)",
                "-o",
                path
            )
            _ = try await other.cluster.testbed.kubectl(
                ["--namespace", other.cluster.namespace, "apply", "--filename", "-"],
                input: """
                    apiVersion: agents.x-k8s.io/v1beta1
                    kind: Sandbox
                    metadata: {name: plain}
                    spec:
                      podTemplate:
                        spec:
                          containers:
                            - {name: main, image: "\(image)", command: [/bin/sh, -c, "sleep 3600"]}
                    """
            )
            try await other.waitUntilReady("plain")
            #expect(try await other.cluster.shell("cat /root/marker", in: "plain") == "kept\nagain\n")
            #expect(try await other.sandboxes.get("plain").state == nil)
        }
    }

    /// What a sandbox has told the outside is in what it is resumed from: it was frozen from its last capture until it was killed.
    @Test("loses nothing that it did before it was killed, whoever deletes its pod", .timeLimit(.minutes(10)))
    func oneInstant() async throws {
        try await withTemporaryFolder { folder in
            try await Agents.run(capturing: { _ in }) { agents in
                let loop = """
                    [ -f /n ] && cp /n /first; n=0; while :; do n=$((n+1)); echo $n > /n.new; mv /n.new /n; echo $n > /outside/new; \
                    mv /outside/new /outside/n; done
                    """
                try await agents.create("box") { sandbox in
                    var template = try #require(try sandbox.podTemplate())
                    template.spec.volumes = [
                        .with {
                            $0.name = "outside"
                            $0.hostPath = .with { $0.path = folder }
                        }
                    ]
                    template.spec.containers[0].command = ["/bin/sh", "-c", loop]
                    template.spec.containers[0].volumeMounts = [
                        .with {
                            $0.name = "outside"
                            $0.mountPath = "/outside"
                        }
                    ]
                    sandbox.spec.podTemplate = RawJSON(template)
                }
                try await agents.waitUntilReady("box")
                try await agents.setSuspend(true, of: "box")
                let ended = try await agents.wait(for: "box") { $0.state == "Suspended" || $0.suspend == "false" }
                try #require(ended.state == "Suspended", "\(ended.message ?? "")")
                let outside = try number(String(contentsOfFile: "\(folder)/n", encoding: .utf8))
                try await agents.setSuspend(false, of: "box")
                try await agents.waitUntilResumed("box")
                let captured = try number(try await agents.cluster.shell("cat /first", in: "box"))
                #expect(outside > 0 && captured >= outside)
            }
        }
    }

    private func number(_ text: String) throws -> Int {
        try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
}
