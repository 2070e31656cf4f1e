// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// A stand-in for envd in the pod: it writes down what it is told, and answers as a file says.
@Suite("The agent in a Sandbox of the Kruise dialect")
struct KruiseAgentTests {
    /// Answers each request with the status in `/status` and keeps its body in `/told`.
    private static let agent = """
        trap 'exit 0' TERM
        cat >/answer <<'END'
        #!/bin/sh
        read -r line
        length=0
        while read -r name value; do
            value=$(printf %s "$value" | tr -d '\\r')
            case "$name" in [Cc]ontent-[Ll]ength:) length=$value ;; esac
            [ "$(printf %s "$name" | tr -d '\\r')" = "" ] && break
        done
        printf '%s %s\\n' "$(printf %s "$line" | cut -d' ' -f1,2)" "$(head -c "$length")" >>/told
        printf 'HTTP/1.1 %s x\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n' "$(cat /status)"
        END
        chmod +x /answer
        [ -e /status ] || echo 204 >/status
        while :; do nc -l -p 49983 -e /answer; done &
        while :; do sleep 0.2; done
        """

    private func create(
        _ name: String,
        in kruise: KruiseCluster,
        _ change: (inout KruiseSandbox) -> Void = { _ in }
    ) async throws {
        try await kruise.create(name) {
            $0.spec.template = RawJSON(kruise.template(Self.agent))
            $0.spec.runtimes = [.with { $0.name = KruiseRuntimeRequest.runtime }]
            $0.metadata.annotations[Kruise.Annotation.initRuntimeRequest] = #"{"envVars":{"A":"b"},"skipRefresh":true}"#
            $0.metadata.annotations[Kruise.Annotation.runtimeAccessToken] = "token"
            change(&$0)
        }
    }

    private static let told = #"POST /init {"accessToken":"token","envVars":{"A":"b"}}"#

    @Test("is told its variables and its token by each pod, and its condition says so")
    func isTold() async throws {
        try await KruiseCluster.run { kruise in
            try await create("box", in: kruise)
            var object = try await kruise.wait(for: "box") {
                $0.status?.conditions.isTrue("RuntimeInitialized") == true
            }
            #expect(object.status?.conditions["RuntimeInitialized"]?.reason == "Succeeded")
            #expect(try await kruise.cluster.shell("cat /told", in: "box") == "\(Self.told)\n")

            try await kruise.setPaused(true, of: "box")
            object = try await kruise.waitUntilPaused("box")
            #expect(object.status?.conditions["RuntimeInitialized"]?.reason == "Pending")
            try await kruise.setPaused(false, of: "box")
            let uid = object.metadata.annotations[KruiseRuntimeInitialization.annotation]
            object = try await kruise.wait(for: "box") {
                $0.status?.conditions.isTrue("RuntimeInitialized") == true
            }
            #expect(object.metadata.annotations[KruiseRuntimeInitialization.annotation] != uid)
            // The provider of this test captures nothing, so it is another agent.
            #expect(try await kruise.cluster.shell("cat /told", in: "box") == "\(Self.told)\n")
        }
    }

    @Test("is asked again until it takes it, and what it says meanwhile is told; 401 says that it knows already")
    func isAskedAgain() async throws {
        try await KruiseCluster.run { kruise in
            try await create("box", in: kruise) {
                $0.spec.template = RawJSON(kruise.template("echo 500 >/status\n" + Self.agent))
            }
            let failing = try await kruise.wait(for: "box") {
                $0.status?.conditions["RuntimeInitialized"]?.reason == "Failed"
            }
            #expect(failing.status?.conditions["RuntimeInitialized"]?.message?.isEmpty == false)
            #expect(failing.status?.phase == .running)
            try await kruise.cluster.shell("echo 401 >/status", in: "box")
            try await kruise.wait(for: "box") { $0.status?.conditions.isTrue("RuntimeInitialized") == true }
        }
    }

    @Test("is told nothing where there is none, or where that was not wanted")
    func isToldNothing() async throws {
        try await KruiseCluster.run { kruise in
            try await create("none", in: kruise) { $0.spec.runtimes = [] }
            try await create("skipped", in: kruise) { $0.metadata.annotations[Kruise.Annotation.skipsRuntime] = "true" }
            for name in ["none", "skipped"] {
                let ready = try await kruise.waitUntilReady(name)
                #expect(ready.status?.conditions["RuntimeInitialized"] == nil)
            }
            try await create("told", in: kruise)
            try await kruise.wait(for: "told") { $0.status?.conditions.isTrue("RuntimeInitialized") == true }
            for name in ["none", "skipped"] {
                #expect(
                    try await kruise.cluster.shell("cat /told 2>/dev/null || echo nothing", in: name) == "nothing\n"
                )
            }
        }
    }
}
