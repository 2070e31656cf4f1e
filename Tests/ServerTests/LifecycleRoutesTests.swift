// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

@Suite struct LifecycleRoutesTests {
    @Test(arguments: ["", "/v1"]) func pausesAndResumes(mount: String) async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("s1", .running)
        try await APIClient.with(runtime) { api async throws in
            let paused = try await api.call(.post, mount + "/sandboxes/s1/pause")
            #expect(paused.status == .accepted)
            #expect(paused.text.isEmpty)
            #expect(paused.headers[.contentLength] == "0")
            let again = try await api.call(.post, mount + "/sandboxes/s1/pause").error()
            #expect(again == ErrorAnswer(409, "KUBERNETES::INVALID_STATE"))
            let resumed = try await api.call(.post, mount + "/sandboxes/s1/resume")
            #expect(resumed.status == .accepted)
            #expect(resumed.text.isEmpty)
            let tooLate = try await api.call(.post, mount + "/sandboxes/s1/resume").error()
            #expect(tooLate == ErrorAnswer(409, "KUBERNETES::INVALID_STATE"))
        }
    }

    @Test(arguments: ["pause", "resume"]) func anUnknownSandboxIsNotFound(verb: String) async throws {
        try await APIClient.with { api async throws in
            let answer = try await api.call(.post, "/v1/sandboxes/nope/\(verb)").error()
            #expect(answer == ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND"))
        }
    }
}
