// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What networks do to a commit: whatever it comes to, the pod runs, and a tag names a whole image or nothing.
@Suite("A commit whose registry is far away")
struct CommitterRegistryFaultTests {
    @Test(
        "succeeds or fails, thawed and without half an image, when connections are cut, late and corrupted by chance",
        arguments: UInt64(1)...6
    )
    func chance(seed: UInt64) async throws {
        try await CommitterPod.with(megabytes: 18) { pod in
            pod.faults.inject(
                FaultRates(
                    seed: seed,
                    rates: [.drop: 0.004, .truncate: 0.002, .corrupt: 0.004, .delay: 0.05],
                    longestDelay: .milliseconds(20)
                )
            )
            for attempt in 1...2 {
                let uid = "\(pod.name)-\(attempt)"
                let ending = try await commit(pod, uid)
                try await expectWholeOrNothing(pod, uid, mustBe: ending.exitStatus == 0)
            }
            print("registry faults, seed \(seed): \(pod.faults.injected)")
            pod.faults.inject(nil)
            for attempt in 1...2 {
                let again = try await commit(pod, "\(pod.name)-\(attempt)")
                #expect(again.exitStatus == 0, "\(again.errors)")
                try await expectWholeOrNothing(pod, "\(pod.name)-\(attempt)", mustBe: true)
            }
        }
    }

    @Test("fails within the freeze's deadline when every upload is corrupted")
    func corrupted() async throws {
        try await CommitterPod.with(megabytes: 10) { pod in
            pod.faults.inject(FaultRates(seed: 7, rates: [.corrupt: 1]))
            let ending = try await commit(pod, "bad", environment: ["STASIS_FREEZE_SECONDS": "20"])
            #expect(ending.exitStatus == 1)
            try await expectWholeOrNothing(pod, "bad", mustBe: false)
            pod.faults.inject(nil)
            #expect(try await commit(pod, "bad").exitStatus == 0)
        }
    }

    @Test(
        "fails, thawed, when each upload is cut at the same place, and succeeds afterwards",
        arguments: [0, 700_000, 5_000_000]
    )
    func cut(bytes: Int) async throws {
        try await CommitterPod.with(megabytes: 12) { pod in
            pod.faults.cut(.toServer, after: bytes, of: "PATCH ", times: 1000)
            let ending = try await commit(pod, "cut", environment: ["STASIS_FREEZE_SECONDS": "30"])
            #expect(ending.exitStatus == 1)
            #expect(ending.terminationLog.contains("TargetUnavailable") || ending.terminationLog.contains("LayerLost"))
            #expect(pod.faults.cuts > 1)
            try await expectWholeOrNothing(pod, "cut", mustBe: false)
            pod.faults.cut(.toServer, after: .max)
            #expect(try await commit(pod, "cut").exitStatus == 0)
            try await expectWholeOrNothing(pod, "cut", mustBe: true)
        }
    }

    private func commit(
        _ pod: CommitterPod,
        _ uid: String,
        environment: [String: String] = [:]
    ) async throws -> CommitterProgram.Ending {
        var program = pod.program
        program.environment = environment
        let target = "main:\(pod.holding.authority)/team/\(pod.name):\(uid)"
        return try await program.run(["commit", pod.name, "team", target, "--snapshot-uid", uid])
    }

    private func expectWholeOrNothing(_ pod: CommitterPod, _ uid: String, mustBe: Bool) async throws {
        #expect(!pod.isAnyFrozen)
        #expect(try await pod.freezes().isEmpty)
        let reference = "\(pod.registry.authority)/team/\(pod.name):\(uid)"
        let tag = "\(pod.registry.storage)/docker/registry/v2/repositories/team/\(pod.name)/_manifests/tags/\(uid)"
        guard mustBe || FileManager.default.fileExists(atPath: "\(tag)/current/link") else { return }
        let image = try await RegistryReader.read(reference)
        #expect(image["root/data"]?.text == "precious\n")
        let bulk = try await pod.exec(pod.main, "sha256sum /root/bulk")
        #expect(image["root/bulk"].map { bulk.hasPrefix($0.sha256) } == true)
    }
}
