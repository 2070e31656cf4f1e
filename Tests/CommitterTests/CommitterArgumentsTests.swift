// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotStore
import Testing

@testable import Committer

@Suite("What the committer is told and what it tells")
struct CommitterArgumentsTests {
    @Test("A target is divided at its first colon")
    func targets() throws {
        let target = try CommitTarget(parsing: "main:127.0.0.1:5000/team/box:1")
        #expect(target == CommitTarget(container: "main", image: "127.0.0.1:5000/team/box:1"))
        #expect(try CommitTarget(parsing: "a:oci:/folder:1").image == "oci:/folder:1")
    }

    @Test(
        "Targets that make no sense are refused",
        arguments: [[], ["main"], [":image"], ["main:"], ["a:x", "a:y"], ["a:x", "b:x"]]
    )
    func badTargets(texts: [String]) {
        let error = #expect(throws: CommitterError.self) { try CommitTarget.list(parsing: texts) }
        #expect(error?.exitStatus == 64)
    }

    @Test("An empty environment has upstream's defaults")
    func defaults() throws {
        let settings = try CommitterSettings(environment: ["CONTAINERD_SOCKET": ""])
        #expect(settings.containerdSocket == "/run/containerd/containerd.sock")
        #expect(settings.containerdNamespace == "k8s.io")
        #expect(settings.registryConfig == "/var/run/opensandbox/registry/config.json")
        #expect(settings.terminationLog == "/dev/termination-log")
        #expect(settings.registryIsInsecure == nil)
        #expect(settings.longestFreeze == .seconds(540))
    }

    @Test(
        "Truth values are Go's; others count as not set",
        arguments: [
            ("true", true), ("1", true), ("T", true), ("False", false), ("0", false), ("yes", nil), ("", nil),
        ] as [(String, Bool?)]
    )
    func booleans(text: String, value: Bool?) throws {
        let settings = try CommitterSettings(environment: ["SNAPSHOT_REGISTRY_INSECURE": text])
        #expect(settings.registryIsInsecure == value)
    }

    @Test("A limit of the freeze that makes no sense is refused", arguments: ["0", "-1", "ten", "86401"])
    func badLimit(text: String) {
        #expect(throws: CommitterError.self) { try CommitterSettings(environment: ["STASIS_FREEZE_SECONDS": text]) }
    }

    @Test(
        "Registries of the own network are taken for insecure, others are not",
        arguments: [
            ("localhost:5000", true), ("registry.local", true), ("registry.svc.cluster.local:5000", true),
            ("127.0.0.1:5000", true), ("10.1.2.3", true), ("192.168.0.1:80", true), ("172.16.0.1", true),
            ("172.31.255.255:5000", true), ("172.15.0.1", false), ("172.32.0.1", false), ("172.1", false),
            ("registry.example:5000", false), ("docker.io", false), ("8.10.0.1", false),
        ]
    )
    func insecureRegistries(domain: String, isInsecure: Bool) {
        #expect(InsecureRegistry.isLikely(domain) == isInsecure)
    }

    private func container(_ name: String) -> CommitReport.Container {
        CommitReport.Container(
            name: name,
            image: "registry.example/team/box:1",
            digest: "sha256:\(String(repeating: "a", count: 64))",
            size: 5,
            layers: 2,
            frozenMilliseconds: 12,
            base: "sha256:\(String(repeating: "b", count: 64))"
        )
    }

    @Test("The digests are printed for each container, and the first one's under the old name")
    func digestLines() {
        let digest = "sha256:\(String(repeating: "a", count: 64))"
        let report = CommitReport(containers: [container("my-app.1"), container("b")])
        #expect(
            report.digestLines == [
                "SNAPSHOT_DIGEST_MY_APP_1=\(digest)", "SNAPSHOT_DIGEST_B=\(digest)", "SNAPSHOT_DIGEST=\(digest)",
            ]
        )
    }

    @Test("The termination message keeps upstream's fields, and leaves out ours before it becomes too long")
    func terminationMessage() {
        let one = CommitReport(containers: [container("a")]).terminationMessage
        #expect(one.hasPrefix(#"{"containers":[{"base":"sha256:bbb"#))
        #expect(one.hasSuffix("}]}\n"))
        #expect(one.contains(#""frozenMilliseconds":12"#))
        let many = CommitReport(containers: (0..<20).map { container("container-\($0)") }).terminationMessage
        #expect(many.utf8.count <= 4096)
        #expect(!many.contains("frozenMilliseconds"))
        #expect(many.contains("container-19"))
        let failure = CommitReport.terminationMessage(
            of: CommitterError(.failed, String(repeating: "ä\"", count: 9000))
        )
        #expect(failure.utf8.count <= 4096)
        #expect(failure.hasPrefix(#"{"error":{"message":"#))
        #expect(failure.hasSuffix("\n"))
    }
}
