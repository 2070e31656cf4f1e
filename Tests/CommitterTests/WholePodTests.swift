// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite("A commit of one container of several")
struct WholePodTests {
    @Test(
        "freezes them all: one that sees the processes of the other writes into its files",
        arguments: ["live", "freeze"]
    )
    func neighbour(consistency: String) async throws {
        // By way of the other's first process. The small files are before and after one that takes time to read.
        let script = """
            until [ -e /proc/1/root/root/data ]; do :; done
            mkdir /proc/1/root/t; mv /proc/1/root/root/bulk /proc/1/root/t/m; cd /proc/1/root/t
            while :; do i=$((i+1)); echo $i >a; echo $i >z; done
            """
        try await CommitterPod.with(megabytes: 20, sharingProcesses: true, sideScript: script) { pod in
            let file = "/proc/\(pod.main.pid)/root/t/z"
            try await CommitterPod.eventually { FileManager.default.fileExists(atPath: file) }
            for number in 1...3 {
                let target = "\(pod.holding.authority)/team/\(pod.name):\(number)"
                let ending = try await pod.program
                    .run("commit", "--consistency", consistency, pod.name, "team", "main:\(target)")
                #expect(ending.exitStatus == 0, "\(ending.errors)")
                let image = try await RegistryReader.read(pod.direct(target))
                #expect(image["t/m"]?.size == 20 << 20)
                // A counter is empty for a moment while it is written.
                let counters = ["t/a", "t/z"].map { image[$0]?.text.flatMap { Int($0.dropLast()) } }
                if let first = counters[0], let last = counters[1] {
                    #expect(first - last == 0 || first - last == 1, "\(counters)")
                }
            }
        }
    }
}
