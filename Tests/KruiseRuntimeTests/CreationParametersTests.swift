// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

@testable import KruiseRuntime

/// What the metadata of a request says.
@Suite struct CreationParametersTests {
    @Test func everything() throws {
        let prefix = "e2b.agents.kruise.io/"
        let read = try CreationParameters([
            "user": "a b/ä", "example.com/app": "x", "label:tier": "gold", "label:example.com/of": "",
            "\(prefix)claim-timeout-seconds": "7", "\(prefix)wait-ready-timeout-seconds": "8",
            "\(prefix)cpu-request": "500m", "\(prefix)cpu-limit": "2", "\(prefix)image": "busybox:1",
            "\(prefix)skip-init-runtime": "true", "\(prefix)reserve-failed-sandbox-for": "2h",
            "\(prefix)reserve-paused-sandbox-duration": "90s", "\(prefix)create-on-no-stock": "false",
            "\(prefix)never-timeout": "true", "\(prefix)return-sandbox-ip": "true", "\(prefix)sandbox-name": "mine",
        ])
        #expect(read.annotations == ["user": "a b/ä", "example.com/app": "x"])
        #expect(read.labels == ["tier": "gold", "example.com/of": ""])
        #expect(read.claimTimeout == 7 && read.readyTimeout == 8)
        #expect(read.requests == ["cpu": Quantity("500m")] && read.limits == ["cpu": Quantity("2")])
        #expect(read.image == "busybox:1" && read.needsOwnPod)
        #expect(read.skipsInitialization && !read.createsOnNoStock && read.neverEnds && read.tellsAddress)
        #expect(read.failedReservation == .seconds(7200))
        #expect(read.pausedRetention == .seconds(90))
        #expect(read.name == "mine" && read.namePrefix == nil)
        // As the API hands it on, and as a fork repeats what it was told.
        let handed = try CreationParameters(
            ["user": "a", "\(prefix)sandbox-resource": "team/x", "\(prefix)sandbox-ip": "10.0.0.1"],
            extensions: [
                "access.auto-resume": "true", "label:tier": "gold", "\(prefix)never-timeout": "true",
                "\(prefix)reserve-paused-sandbox-duration": "30d", "\(prefix)envd-version": "0.3.0",
            ]
        )
        #expect(handed.annotations == ["user": "a"] && handed.labels == ["tier": "gold"] && handed.neverEnds)
        #expect(handed.pausedRetention == .seconds(30 * 86_400))
        let nothing = try CreationParameters([:])
        #expect(nothing.createsOnNoStock && nothing.failedReservation == .never && !nothing.needsOwnPod)
        #expect(nothing.pausedRetention == nil)
    }

    @Test(arguments: [
        ["a b": "x"], ["agents.kruise.io/owner": "me"], ["stasis.dev/record": "x"], ["kubernetes.io/name": "x"],
        ["sub.k8s.io/x": "x"], ["label:agents.kruise.io/sandbox-claimed": "false"], ["label:a": "ä"], ["label:": "a"],
        ["e2b.agents.kruise.io/no-such": "x"], ["e2b.agents.kruise.io/claim-timeout-seconds": "0"],
        ["e2b.agents.kruise.io/claim-timeout-seconds": "1.5"], ["e2b.agents.kruise.io/cpu-limit": "-1"],
        ["e2b.agents.kruise.io/reserve-paused-sandbox-duration": "0"],
        ["e2b.agents.kruise.io/reserve-paused-sandbox-duration": "-3m"],
        ["e2b.agents.kruise.io/reserve-paused-sandbox-duration": "never"],
        ["e2b.agents.kruise.io/reserve-failed-sandbox-for": "-1s"], ["e2b.agents.kruise.io/image": ""],
        ["e2b.agents.kruise.io/csi-volume-name": "v"], ["e2b.agents.kruise.io/sandbox-name": "No Name"],
        ["e2b.agents.kruise.io/sandbox-name": "a", "e2b.agents.kruise.io/sandbox-generate-name": "b"],
    ])
    func refused(_ metadata: [String: String]) {
        let error = #expect(throws: SandboxError.self) { try CreationParameters(metadata) }
        #expect(error?.code == .invalidParameter)
    }
}
