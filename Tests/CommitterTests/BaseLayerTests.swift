// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SnapshotEngine
import TestSupport
import Testing

/// The layers of the image under a container are named by the snapshot, not sent with it.
@Suite("The base of a commit")
struct BaseLayerTests {
    @Test("is mounted from its repository before the freeze, and never sent")
    func mounted() async throws {
        try await CommitterPod.with { pod in
            let base = try await pod.inspect("\(pod.base):1").Layers
            pod.holding.holdOnce("POST", containing: "mount=")
            let (requests, bytes) = (pod.holding.requests.count, pod.holding.bytesToServer)
            let ending = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)") { running in
                await pod.holding.waitUntilHeld()
                #expect(!pod.isAnyFrozen)
                let freezes = try await pod.freezes()
                #expect(freezes.isEmpty)
                #expect(running.stage == .preparing)
                pod.holding.release()
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            let asked = pod.holding.requests.dropFirst(requests)
            for layer in base {
                let digest = layer.replacingOccurrences(of: ":", with: "%3A")
                #expect(asked.contains { $0.hasPrefix("POST ") && ($0.contains(layer) || $0.contains(digest)) })
                #expect(!asked.contains { $0.hasPrefix("PUT ") && ($0.contains(layer) || $0.contains(digest)) })
            }
            // Busybox alone has 2 MB.
            #expect(pod.holding.bytesToServer - bytes < 100_000)
            #expect(try await RegistryReader.read(pod.direct(pod.target))["bin/busybox"]?.size ?? 0 > 500_000)

            // Once it is there it is looked for and left alone.
            let before = pod.holding.requests.count
            #expect(try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)").exitStatus == 0)
            #expect(!pod.holding.requests.dropFirst(before).contains { $0.contains("mount=") })
        }
    }

    @Test("is copied before the freeze from its own registry when it is neither at the target nor on the node")
    func copied() async throws {
        // A containerd of its own: others need the image's layers, too.
        try await ContainerdDaemon.with { daemon in
            try await CommitterPod.with(daemon) { pod in
                try await DockerRegistry.run { other in
                    try await HoldingProxy.run(before: other.authority) { proxy in
                        for line in try await daemon.ctr("content", "ls", "-q").split(separator: "\n") {
                            try await daemon.ctr("content", "rm", String(line))
                        }
                        let digest = try await pod.inspect("\(pod.base):1").Digest
                        let target = "\(proxy.authority)/team/\(pod.name):1"
                        proxy.holdOnce("PUT", containing: "/blobs/uploads/")
                        let ending = try await pod.program.run(
                            "commit",
                            pod.name,
                            "team",
                            "main:\(target)",
                            "--base",
                            "main=\(pod.base)@\(digest)"
                        ) { running in
                            await proxy.waitUntilHeld()
                            #expect(!pod.isAnyFrozen)
                            #expect(running.stage == .preparing)
                            proxy.release()
                        }
                        #expect(ending.exitStatus == 0, "\(ending.errors)")
                        let image = try await RegistryReader.read("\(other.authority)/team/\(pod.name):1")
                        #expect(image["bin/busybox"]?.size ?? 0 > 500_000)
                        #expect(image["root/data"]?.text == "precious\n")
                    }
                }
            }
        }
    }
}
