// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import Provenance
import SandboxModels
import SnapshotProvider
import SnapshotStore
import Testing

@testable import Server

/// Creates that leave to the image what a snapshot's image says.
@Suite struct ImageDefaultsTests {
    private func runtime() async -> InMemoryRuntime {
        let runtime = InMemoryRuntime()
        var defaults = RestoreDefaults()
        defaults.entrypoint = ["run", "it"]
        defaults.limits = ["cpu": "500m", "memory": "1Gi"]
        defaults.requests = ["cpu": "100m", "memory": "1Gi", "other": "1"]
        await runtime.set(defaults, of: "box@sha256:1")
        await runtime.set(RestoreDefaults(), of: "silent")
        return runtime
    }

    @Test func whatTheImageSaysIsTaken() async throws {
        let runtime = await runtime()
        try await APIClient.with(runtime) { api async throws in
            #expect(
                try await api.call(.post, "/v1/sandboxes", #"{"image":{"uri":"box@sha256:1"}}"#).status == .accepted
            )
        }
        let spec = try #require(await runtime.created.first?.spec)
        #expect(spec.image == "box@sha256:1")
        #expect(spec.entrypoint == ["run", "it"])
        #expect(spec.resourceLimits == ["cpu": "500m", "memory": "1Gi"])
        #expect(spec.options?.resourceRequests == ["cpu": "100m"])
    }

    @Test func whatTheRequestSaysGoesBefore() async throws {
        let runtime = await runtime()
        try await APIClient.with(runtime) { api async throws in
            let own = #"{"image":{"uri":"box@sha256:1"},"entrypoint":["own"],"#
            for body in [own + #""resourceLimits":{"cpu":"1"}}"#, own + #""resourceLimits":{}}"#] {
                #expect(try await api.call(.post, "/v1/sandboxes", body).status == .accepted)
            }
        }
        let created = await runtime.created.map(\.spec)
        #expect(created.map(\.entrypoint) == [["own"], ["own"]])
        #expect(created.map(\.resourceLimits) == [["cpu": "1"], [:]])
        #expect(created.allSatisfy { $0.options == nil })
    }

    /// An image that is no snapshot's, one that cannot be read, and one that says nothing.
    @Test(arguments: ["plain", "nowhere", "silent"])
    func otherwiseItIsRefusedAsUpstreamDoes(image: String) async throws {
        let runtime = await runtime()
        try await APIClient.with(runtime) { api async throws in
            let body = #"{"image":{"uri":"\#(image)"},"resourceLimits":{}}"#
            let answer = try await api.call(.post, "/v1/sandboxes", body)
            #expect(answer.status == .unprocessableContent)
            #expect(answer.text.contains("Entrypoint is required when image is provided."))
        }
        #expect(await runtime.created.isEmpty)
    }

    @Test func theTableOfSnapshots() throws {
        let (configuration, warnings) = try ConfigurationTests.load(
            """
            [snapshots]
            signing_key = "/etc/stasis/key.pem"
            environment = "values"
            verification = "require"
            verification_keys = ["/etc/stasis/a.pub", "/etc/stasis/b.pub"]
            """,
            ConfigurationTests.environment
        )
        #expect(warnings.isEmpty)
        var expected = ServerConfiguration.Snapshots()
        expected.signingKey = "/etc/stasis/key.pem"
        expected.environment = EnvironmentDetail.values
        expected.verification = ProvenancePolicy.Mode.require
        expected.verificationKeys = ["/etc/stasis/a.pub", "/etc/stasis/b.pub"]
        #expect(configuration.snapshots == expected)
    }

    @Test(arguments: [
        (#"verification = "maybe""#, "'off', 'warn', 'require'"),
        (#"verification = "require""#, "without a public key no snapshot can be believed"),
        (#"verification_keys = ["key.pub"]"#, "absolute path"),
        (#"environment = "all""#, "'names', 'values'"),
    ])
    func wrongValuesAreErrors(line: String, text: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationTests.load("[snapshots]\n\(line)\n", ConfigurationTests.environment)
        }
        #expect(error?.description.contains(text) == true)
    }
}
