// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import SandboxModels
import Subprocess
import TestSupport
import Testing

/// `Examples/ForkFromSnapshot`, as it is.
@Suite("A snapshot's image as a pool's template")
struct ForkExampleTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .appending(path: "../../../../Examples/ForkFromSnapshot").standardized.path

    @Test("Sandboxes of such a pool have the files that were prepared, each its own", .timeLimit(.minutes(10)))
    func fork() async throws {
        try await SandboxCluster.run(capturing: { _ in }) { cluster in
            let manifest = try String(contentsOfFile: "\(Self.folder)/prepared.yaml", encoding: .utf8)
                .replacing("busybox:1", with: cluster.image)
            _ = try await cluster.testbed.kubectl(
                ["--namespace", cluster.namespace, "apply", "-f", "-"],
                input: manifest
            )
            try await cluster.wait(for: "prepared") { $0.status?.phase == .succeed }
            try await cluster.shell("echo ready > /prepared; rm /etc/passwd", in: "prepared-0")
            let kubectl = [
                cluster.testbed.kubectlProgram, "--kubeconfig", cluster.testbed.kubeconfig, "--namespace",
                cluster.namespace,
            ]
            let output = try await Command.run(
                "sh",
                ["\(Self.folder)/fork"],
                environment: .inherit.updating(["KUBECTL": kubectl.joined(separator: " ")])
            )
            #expect(output.contains("pool.sandbox.opensandbox.io/prepared created"))
            let pods = try await cluster.waitForPods(3, of: "forks")
            #expect(Set(pods).count == 3)
            for (index, pod) in pods.enumerated() {
                try await cluster.shell("echo \(index) > /mine", in: pod)
                #expect(try await cluster.shell("cat /prepared; ls /etc/passwd || true", in: pod) == "ready\n")
            }
            for (index, pod) in pods.enumerated() {
                #expect(try await cluster.shell("cat /mine", in: pod) == "\(index)\n")
            }
            try await cluster.delete(sandbox: "forks")
            try await cluster.wait(forPool: "prepared") { $0.allocated == 0 && $0.available >= 2 }
        }
    }
}
