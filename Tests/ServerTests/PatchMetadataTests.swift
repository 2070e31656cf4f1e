// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

@Suite struct PatchMetadataTests {
    static func runtime() async -> InMemoryRuntime {
        let runtime = InMemoryRuntime()
        await runtime.put("s1", .paused, metadata: ["team": "blue", "kept": "yes"])
        return runtime
    }

    @Test(arguments: ["", "/v1"]) func setsAndRemoves(mount: String) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            let uri = mount + "/sandboxes/s1/metadata"
            let patched = try await api.call(.patch, uri, #"{"a":"b","team":null,"never":null}"#)
            #expect(patched.status == .ok)
            #expect(try patched.json(SandboxAnswer.self).metadata == ["a": "b", "kept": "yes"])
            let found = try await api.call(.get, mount + "/sandboxes/s1").json(SandboxAnswer.self)
            #expect(found.metadata == ["a": "b", "kept": "yes"])
            #expect(try await api.call(.patch, uri, "{}").json(SandboxAnswer.self).metadata == found.metadata)
            let emptied = try await api.call(.patch, uri, #"{"a":null,"kept":null}"#)
            #expect(try emptied.json(SandboxAnswer.self).metadata == nil)
        }
    }

    @Test(arguments: [
        ("s1", #"{"opensandbox.io/id":"x"}"#, 400, "SANDBOX::INVALID_METADATA_LABEL"),
        ("s1", #"{"opensandbox.io/id":null}"#, 400, "SANDBOX::INVALID_METADATA_LABEL"),
        ("s1", #"{"a":"has spaces"}"#, 400, "SANDBOX::INVALID_METADATA_LABEL"),
        ("s1", #"{"-a":"b"}"#, 400, "SANDBOX::INVALID_METADATA_LABEL"),
        ("nope", #"{"a":"b"}"#, 404, "KUBERNETES::SANDBOX_NOT_FOUND"),
    ])
    func refuses(id: String, body: String, status: Int, code: String) async throws {
        let runtime = await Self.runtime()
        try await APIClient.with(runtime) { api async throws in
            let answer = try await api.call(.patch, "/v1/sandboxes/\(id)/metadata", body)
            #expect(try answer.error() == ErrorAnswer(status, code))
        }
        #expect(try await runtime.sandbox("s1").spec.metadata == ["team": "blue", "kept": "yes"])
    }

    @Test func tellsWhatIsMistyped() async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            let answer = try await api.call(.patch, "/v1/sandboxes/s1/metadata", #"{"b":1,"a":{"deep":"x"},"c":"d"}"#)
            #expect(
                try answer.issues() == [IssueAnswer("string_type", "body.a"), IssueAnswer("string_type", "body.b")]
            )
        }
    }
}
