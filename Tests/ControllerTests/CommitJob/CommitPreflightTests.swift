// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SnapshotProvider
import Testing

@testable import Controller

@Suite("What is refused before anything is frozen")
struct CommitPreflightTests {
    private func preflight(_ configure: (inout CommitPreflight) -> Void) -> CommitPreflight {
        var preflight = CommitPreflight(request: CommitJobExample.request(.keepRunning))
        preflight.pod = .with {
            $0.metadata.name = "box-0"
            $0.metadata.uid = "6a1b"
        }
        configure(&preflight)
        return preflight
    }

    private func secret(
        type: String?,
        _ data: [String: Base64Bytes] = [".dockerconfigjson": Base64Bytes("{}")]
    ) -> Secret {
        .with {
            $0.metadata.name = "push"
            $0.type = type
            $0.data = data
        }
    }

    @Test("Nothing is known against an ordinary pod")
    func passes() {
        #expect(preflight { _ in }.refusal == nil)
        let good = preflight {
            $0.pushSecret = "push"
            $0.secret = secret(type: "kubernetes.io/dockerconfigjson")
            $0.request.source.runtimeClass = "runc-fast"
            $0.runtimeHandler = "runc"
        }
        #expect(good.refusal == nil)
    }

    @Test("A pod that is gone, or another one of its name")
    func pods() {
        #expect(preflight { $0.pod = nil }.refusal?.reason == "SourcePodNotFound")
        #expect(preflight { $0.pod?.metadata.uid = "other" }.refusal?.reason == "SourcePodNotFound")
    }

    @Test(
        "Runtimes whose writes the node does not see, by the name of the class or of its handler",
        arguments: [("gvisor", nil), ("sandboxed", "runsc"), ("Kata-QEMU", nil), ("secure", "kata-clh")]
    )
    func runtimes(name: String, handler: String?) {
        let refusal = preflight {
            $0.request.source.runtimeClass = name
            $0.runtimeHandler = handler
        }
        .refusal
        #expect(refusal?.reason == "UnsupportedRuntime" && refusal?.message.contains(name) == true)
    }

    @Test("A push secret that is missing or of another type")
    func secrets() {
        let missing = preflight { $0.pushSecret = "push" }.refusal
        #expect(missing?.reason == "PushSecretNotFound" && missing?.message.contains("boxes/push") == true)
        let wrongType = preflight {
            $0.pushSecret = "push"
            $0.secret = secret(type: "Opaque")
        }
        #expect(wrongType.refusal?.reason == "PushSecretInvalid")
        let empty = preflight {
            $0.pushSecret = "push"
            $0.secret = secret(type: "kubernetes.io/dockerconfigjson", [:])
        }
        #expect(empty.refusal?.reason == "PushSecretInvalid")
    }
}
