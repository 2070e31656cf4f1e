// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import SnapshotEngine
import TestSupport
import Testing

@testable import Committer

/// What `preflight` prints.
private struct PreflightLine: Decodable {
    var check: String?
    var status: String?
    var message: String?
    var container: String?
    var reason: String?
    var preflight: String?
    var passed: Int?
    var failed: Int?
}

extension CommitterProgram.Ending {
    /// The lines by what they are about; the last one is the sum.
    fileprivate func findings() throws -> [PreflightLine] {
        try lines.map { try JSONDecoder().decode(PreflightLine.self, from: Data($0.utf8)) }
    }

    /// `check: status` of each line, and of the sum.
    fileprivate func told() throws -> [String] {
        try findings().map { line in
            line.check.map { "\($0): \(line.status ?? "")" } ?? "preflight: \(line.preflight ?? "")"
        }
    }
}

extension BusyboxImage {
    /// The digests of the layers.
    fileprivate var layerDigests: [String] {
        get throws {
            struct Manifest: Decodable {
                struct Layer: Decodable {
                    var digest: String
                }
                var layers: [Layer]
            }
            let file = "\(layout)/blobs/sha256/\(manifestDigest.dropFirst("sha256:".count))"
            let data = try Data(contentsOf: URL(filePath: file))
            return try JSONDecoder().decode(Manifest.self, from: data).layers.map(\.digest)
        }
    }
}

extension CommitterProgramTests {
    /// Nothing of the pod was touched, and nothing is at the target.
    private func expectUntouched(_ pod: CommitterPod, _ registry: DockerRegistry? = nil) async throws {
        #expect(!pod.main.isFrozen && !pod.side.isFrozen)
        #expect(try await pod.freezes().isEmpty)
        let registry = registry ?? pod.registry
        #expect(try registry.unfinishedUploads().isEmpty)
        let repositories = "\(registry.storage)/docker/registry/v2/repositories/team/\(pod.name)/_manifests"
        #expect(!FileManager.default.fileExists(atPath: repositories))
    }

    @Test("preflight says that a commit would succeed, and touches nothing")
    func preflightPasses() async throws {
        try await CommitterPod.with { pod in
            let ending = try await pod.program.run("preflight", pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(
                try ending.told() == [
                    "containerd: passed", "freeze: passed", "container: passed", "filesystem: passed",
                    "base-image: passed", "target: passed", "layers: passed", "space: passed", "preflight: passed",
                ]
            )
            #expect(ending.terminationLog.isEmpty)
            try await expectUntouched(pod)
            let commit = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)")
            #expect(commit.exitStatus == 0, "\(commit.errors)")
        }
    }

    @Test("preflight tells of a wrong login, and everything else that it finds")
    func preflightLogin() async throws {
        try await CommitterPod.with { pod in
            try await DockerRegistry.run(.login(username: "user", password: "right")) { registry in
                let target = "\(registry.authority)/team/\(pod.name):1"
                var program = pod.program
                for (password, status) in [("wrong", "failed"), ("right", "passed")] {
                    let config = "\(pod.daemon.folder)/config-\(pod.name)-\(password).json"
                    let auth = Data("user:\(password)".utf8).base64EncodedString()
                    try #"{"auths":{"\#(registry.authority)":{"auth":"\#(auth)"}}}"#
                        .write(toFile: config, atomically: true, encoding: .utf8)
                    program.environment = ["STASIS_REGISTRY_CONFIG": config]
                    let ending = try await program.run("preflight", pod.name, "team", "main:\(target)", "none:x/y:1")
                    // One container that is not there does not hide what is wrong with the other one.
                    let told = try ending.told()
                    #expect(told.contains("target: \(status)"), "\(told)")
                    #expect(told.contains("base-image: passed") && told.last == "preflight: failed")
                    #expect(ending.exitStatus == (status == "failed" ? 1 : 2))
                    if status == "failed" {
                        let finding = try #require(try ending.findings().first { $0.check == "target" })
                        #expect(finding.reason == "TargetUnavailable" && finding.container == "main")
                        #expect(ending.terminationLog.contains("refused the credentials"))
                        #expect(ending.terminationLog.contains("no container none"))
                        #expect(!ending.output.contains("wrong"))
                    }
                    try await expectUntouched(pod, registry)
                }
            }
        }
    }

    @Test("preflight tells of a registry that does not answer")
    func preflightRegistryGone() async throws {
        try await CommitterPod.with { pod in
            let target = "127.0.0.1:1/team/\(pod.name):1"
            let ending = try await pod.program.run("preflight", pod.name, "team", "main:\(target)")
            #expect(ending.exitStatus == 1)
            let told = try ending.told()
            #expect(told.contains("target: failed") && told.contains("layers: skipped"), "\(told)")
            #expect(told.contains("filesystem: passed") && told.contains("base-image: passed"))
            try await expectUntouched(pod)
        }
    }

    @Test("preflight tells of an image that is gone, and of layers that are")
    func preflightBaseGone() async throws {
        try await CommitterPod.with { pod in
            let none = "127.0.0.1:1/none@sha256:\(String(repeating: "a", count: 64))"
            let unknown = try await pod.program.run(
                "preflight",
                pod.name,
                "team",
                "main:\(pod.target)",
                "--base",
                "main=\(none)"
            )
            #expect(unknown.exitStatus == 1)
            #expect(try unknown.findings().contains { $0.check == "base-image" && $0.reason == "BaseImageUnavailable" })
            #expect(try unknown.told().contains("target: passed"))

            // The layer is taken from the registry and from this machine; the snapshots made of it stay.
            let base = try await BusyboxImage.make(layout: "\(pod.daemon.folder)/gone-\(pod.name)")
            let repository = "\(pod.registry.authority)/team/gone"
            try await base.push(to: repository)
            try await base.importInto(pod.daemon, repository: repository)
            let labels = [
                "io.kubernetes.pod.name": "gone-\(pod.name)", "io.kubernetes.pod.namespace": "team",
                "io.kubernetes.pod.uid": "gone-uid-\(pod.name)", "io.cri-containerd.kind": "container",
                "io.kubernetes.container.name": "main",
            ]
            try await TestContainer.with(pod.daemon, image: "\(repository):1", labels: labels) { _ in
                let layers = try await pod.daemon.withClient { client in
                    try await client.contentList().map(\.digest)
                }
                for digest in try base.layerDigests where layers.contains(digest) {
                    try await pod.daemon.ctr("content", "rm", digest)
                    let hex = String(digest.dropFirst("sha256:".count))
                    try FileManager.default.removeItem(atPath: pod.registry.blobFile(sha256: hex))
                }
                let ending = try await pod.program.run("preflight", "gone-\(pod.name)", "team", "main:\(pod.target)")
                #expect(ending.exitStatus == 1)
                let finding = try #require(try ending.findings().first { $0.check == "layers" })
                #expect(finding.status == "failed" && finding.reason == "BaseImageUnavailable", "\(ending.output)")
            }
            try await pod.daemon.ctr("images", "rm", "\(repository):1")
            try await expectUntouched(pod)
        }
    }

    @Test("preflight tells of a pod that is another one, of a sealed freeze, and of a containerd that is not there")
    func preflightPod() async throws {
        try await CommitterPod.with { pod in
            var program = pod.program
            program.environment = ["STASIS_POD_UID": "another"]
            var ending = try await program.run("preflight", pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 2)
            #expect(try ending.told() == ["container: failed", "containerd: passed", "preflight: failed"])
            program.environment = ["CONTAINERD_SOCKET": "/nonexistent.sock"]
            ending = try await program.run("preflight", pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 3)
            #expect(try ending.told() == ["containerd: failed", "preflight: failed"])
            ending = try await pod.program.run("preflight", pod.name, "team", "main")
            #expect(ending.exitStatus == 64)
            ending = try await pod.program.run("preflight", pod.name, "team", "main:oci:/proc/none:1")
            #expect(ending.exitStatus == 1)
            #expect(try ending.told().contains("target: failed"))
            try await expectUntouched(pod)

            try await pod.daemon.withClient { containerd in
                let logger = Logger(label: "preflight-tests") { _ in SwiftLogNoOpLogHandler() }
                try await HolderClient.withClient(command: .built, containerd: containerd, logger: logger) { client in
                    let freeze = client.makeFreeze(id: "sealed-\(pod.name)", owner: "tests")
                    try await freeze.freeze([pod.main.id], until: Date(timeIntervalSinceNow: 600))
                    var ending = try await pod.program.run("preflight", pod.name, "team", "main:\(pod.target)")
                    #expect(ending.exitStatus == 0, "\(ending.output)")
                    #expect(try ending.told().contains("freeze: warning"))
                    #expect(pod.main.isFrozen, "it is not its to thaw")
                    #expect(try await freeze.seal() == .sealed)
                    ending = try await pod.program.run("preflight", pod.name, "team", "main:\(pod.target)")
                    #expect(ending.exitStatus == 1)
                    #expect(try ending.told().contains("freeze: failed"))
                    #expect(pod.main.isFrozen)
                    try await freeze.kill()
                }
            }
        }
    }
}
