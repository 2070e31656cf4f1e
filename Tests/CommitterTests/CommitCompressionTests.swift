// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SnapshotEngine
import TestSupport
import Testing

/// The compression is the caller's choice, and containerd starts containers from either.
@Suite("The compression of a commit")
struct CommitCompressionTests {
    @Test(
        "is what was asked for in all new layers, and containerd runs the image",
        arguments: CaptureCompression.allCases
    )
    func compression(_ compression: CaptureCompression) async throws {
        // Enough for a copy before the freeze, so that there are two layers.
        try await CommitterPod.with(megabytes: 20) { pod in
            let ending = try await pod.program.run(
                "commit",
                "--compression",
                compression.rawValue,
                pod.name,
                "team",
                "main:\(pod.target)"
            )
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            let base = try await pod.inspect("\(pod.base):1").Layers.count
            let types = try await pod.layerTypes(of: pod.target)
            #expect(types.count > base)
            for type in types.dropFirst(base) {
                #expect(type == "application/vnd.oci.image.layer.v1.tar+\(compression.rawValue)")
            }

            try await pod.daemon.ctr("images", "pull", "--plain-http", pod.target)
            let original = try await pod.exec(pod.main, "sha256sum /root/bulk /root/data")
            let script = "sha256sum /root/bulk /root/data >/sums; touch /done; sleep 9999"
            try await TestContainer.with(pod.daemon, image: pod.target, arguments: ["sh", "-ec", script]) { restored in
                let root = "/proc/\(restored.pid)/root"
                try await CommitterPod.eventually { FileManager.default.fileExists(atPath: "\(root)/done") }
                #expect(try String(contentsOfFile: "\(root)/sums", encoding: .utf8) == original)
            }
            try await pod.daemon.ctr("images", "rm", pod.target)
        }
    }

    @Test("is refused if there is no such compression")
    func unknown() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let ending = try await CommitterProgram(daemon: daemon)
            .run("commit", "--compression", "bzip2", "pod", "team", "main:x/y:1")
        #expect(ending.exitStatus == 64)
        #expect(ending.errors.contains("say gzip or zstd"))
    }
}
