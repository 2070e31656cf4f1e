// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Glibc
import KubeClient
import KubeModels
import SandboxModels
import Subprocess
import TestSupport
import Testing

/// A leader that does not know that it leads no more.
@Suite("A controller that is stopped while it leads")
struct LeaderPauseTests {
    @Test(
        "finds the pause that it had begun ended by the next leader, and does nothing twice",
        .timeLimit(.minutes(10))
    )
    func stoppedLeader() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run(isControlled: false) { cluster, proxy in
                let flags = try Self.flags(cluster)
                let first = ControllerProcess(flags)
                async let end = first.run()
                try await first.said("leading")
                try await cluster.createCounting("box", in: folder)
                try await ControllerProcess.run(flags) { second in
                    try await second.said("another one leads")
                    proxy.holdOnce("PUT", containing: "/manifests/snap-")
                    try await cluster.setPause(true, of: "box")
                    await proxy.waitUntilHeld()
                    first.send(SIGSTOP)
                    proxy.release()
                    try await second.said("leading")
                    try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                    try await cluster.setPause(false, of: "box")
                    try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                    // It wakes in the middle of a pause that is over, of a sandbox that runs again.
                    first.send(SIGCONT)
                    await first.hasEnded()
                    #expect(first.text.contains("is not the leader any more"))
                    try await cluster.waitUntilNothingIsLeft(of: "box")
                    let after = try await cluster.sandboxes.get("box")
                    #expect(after.status?.phase == .succeed)
                    #expect(after.status?.conditions.map(\.type) == ["Ready"])
                    #expect(try await cluster.jobsEver() == ["box-pause-commit"])
                    #expect(try await cluster.podsEver() == ["Created pod: box-0", "Created pod: box-0"])
                    #expect(try await cluster.shell("cat /marker", in: "box-0") == "kept\n")
                    #expect(try await cluster.freezes(of: "box").isEmpty)
                }
                #expect(try await end == .exited(1), "\(first.text)")
            }
        }
    }

    private static func flags(_ cluster: SandboxCluster) throws -> [String] {
        let jobs = try #require(cluster.jobs)
        return [
            "--kubeconfig=\(cluster.testbed.kubeconfig)", "--watch-namespaces=\(cluster.namespace)", "--leader-elect",
            "--leader-election-namespace=\(cluster.namespace)", "--snapshot-registry=\(cluster.registry)",
            "--snapshot-registry-insecure", "--image-committer-image=\(jobs.image)",
            "--containerd-socket-path=\(jobs.containerdSocket)", "--containerd-root=\(jobs.containerdRoot ?? "")",
        ]
    }
}

extension SandboxCluster {
    /// Which pods were created for its sandboxes, by the events of controllers.
    fileprivate func podsEver() async throws -> [String] {
        let text = try await kubectl(
            "get",
            "events",
            "--field-selector=involvedObject.kind=BatchSandbox,reason=SuccessfulCreate",
            "--output=jsonpath={range .items[*]}{.count}{' '}{.message}{'\\n'}{end}"
        )
        // Events that are alike may be counted in one.
        return text.split(separator: "\n").flatMap { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            return Array(repeating: String(parts.last ?? ""), count: Int(parts.first ?? "") ?? 1)
        }
    }
}
