// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

@Suite("What the agent in a sandbox is told")
struct KruiseRuntimeRequestTests {
    private let agent = [KruiseRuntimeReference.with { $0.name = "agent-runtime" }]

    private func sandbox(_ annotations: [String: String]) -> KruiseSandbox {
        .with { $0.metadata.annotations = annotations }
    }

    @Test("is what is written down for it, and its token")
    func body() {
        let own = sandbox([
            Kruise.Annotation.initRuntimeRequest: #"{"envVars":{"A":"b"},"accessToken":"own","skipRefresh":true}"#,
            Kruise.Annotation.runtimeAccessToken: "token",
        ])
        #expect(own.runtimeRequest(agent)?.body == ["envVars": ["A": "b"], "accessToken": "own"])
        #expect(own.runtimeRequest(agent)?.port == 49_983)
        #expect(own.runtimeRequest([.with { $0.name = "csi" }]) == nil)
        let token = sandbox([Kruise.Annotation.runtimeAccessToken: "token"])
        #expect(token.runtimeRequest(agent)?.body == ["accessToken": "token"])
        #expect(sandbox([:]).runtimeRequest(agent) == nil)
        #expect(sandbox([Kruise.Annotation.initRuntimeRequest: "{"]).runtimeRequest(agent) == nil)
        var skipped = token
        skipped.metadata.annotations[Kruise.Annotation.skipsRuntime] = "true"
        #expect(skipped.runtimeRequest(agent) == nil)
    }

    @Test(
        "goes to a port of its own, and to no other host",
        arguments: [
            ("http://10.0.0.1:8080", 8080), ("http://metadata.internal:80/init", 80), ("8443", 8443),
            ("http://x", 49_983),
            ("http://x:0", 49_983), ("http://x:99999", 49_983), ("", 49_983),
        ]
    )
    func port(url: String, port: Int) {
        let sandbox = sandbox([Kruise.Annotation.runtimeURL: url, Kruise.Annotation.runtimeAccessToken: "t"])
        #expect(sandbox.runtimeRequest(agent)?.port == port)
    }

    @Test("counts for the pod that was told, and for no later one")
    func stages() {
        var sandbox = sandbox([Kruise.Annotation.runtimeAccessToken: "t"])
        #expect(sandbox.runtimeStage(agent, podUID: "1") == .pending)
        let annotation = KruiseRuntimeInitialization.annotation
        sandbox.metadata.annotations[annotation] = KruiseRuntimeInitialization.with { $0.podUID = "1" }.jsonText
        #expect(sandbox.runtimeStage(agent, podUID: "1") == .told)
        #expect(sandbox.runtimeStage(agent, podUID: "2") == .pending)
        #expect(sandbox.runtimeStage(agent, podUID: nil) == .pending)
        #expect(sandbox.runtimeStage([], podUID: "1") == nil)
        sandbox.metadata.annotations[annotation] =
            KruiseRuntimeInitialization.with { ($0.podUID, $0.failure) = ("1", "no answer") }.jsonText
        #expect(sandbox.runtimeStage(agent, podUID: "1") == .failed("no answer"))
    }
}
