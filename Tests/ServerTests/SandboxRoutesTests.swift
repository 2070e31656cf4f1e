// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

@Suite struct SandboxRoutesTests {
    static let minimalBody = #"{"image":{"uri":"a:1"},"resourceLimits":{},"entrypoint":["x"]}"#

    @Test(arguments: ["", "/v1"]) func createsASandbox(mount: String) async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime) { api async throws in
            let response = try await api.call(
                .post,
                mount + "/sandboxes",
                """
                {"image":{"uri":" reg.example/x:1 ","auth":{"username":"u","password":"p"}},
                 "platform":{"os":"linux","arch":"amd64"},"timeout":600,
                 "resourceLimits":{"cpu":"500m","memory":"512Mi"},"resourceRequests":{"cpu":"1m"},
                 "env":{"A":"1","GONE":null},"metadata":{"team":"a"},"entrypoint":["tail","-f","/dev/null"],
                 "networkPolicy":null,"volumes":[],"secureAccess":false,"credentialProxy":{"enabled":false},
                 "extensions":{"access.renew.extend.seconds":"300"},"somethingNew":{"x":[1,2.5,true,null]}}
                """
            )
            #expect(response.status == .accepted)
            let sandbox = try response.json(SandboxAnswer.self)
            #expect(sandbox.image == nil)
            #expect(sandbox.status.state == "Running")
            #expect(sandbox.platform == .init(os: "linux", arch: "amd64"))
            #expect(sandbox.metadata == ["team": "a"])
            #expect(sandbox.entrypoint == ["tail", "-f", "/dev/null"])
            #expect(sandbox.createdAt == "2026-01-01T00:00:00.250Z")
            #expect(sandbox.expiresAt == "2026-01-01T00:10:00.250Z")
        }
        let created = try #require(await runtime.created.first)
        var options = SandboxOptions()
        options.resourceRequests = ["cpu": "1m"]
        #expect(
            created.spec
                == SandboxSpec(
                    image: "reg.example/x:1",
                    entrypoint: ["tail", "-f", "/dev/null"],
                    environment: ["A": "1"],
                    resourceLimits: ["cpu": "500m", "memory": "512Mi"],
                    metadata: ["team": "a"],
                    extensions: ["access.renew.extend.seconds": "300"],
                    platform: "linux/amd64",
                    options: options
                )
        )
        #expect(created.credentials == ImageCredentials(username: "u", password: "p"))
        #expect(created.expiresAt == InMemoryRuntime.start.addingTimeInterval(600))
    }

    @Test(arguments: [#""timeout":null,"#, ""]) func withoutATimeoutItNeverExpires(timeout: String) async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime) { api async throws in
            let body = "{\(timeout)\(Self.minimalBody.dropFirst())"
            let sandbox = try await api.call(.post, "/sandboxes", body).json(SandboxAnswer.self)
            #expect(sandbox.expiresAt == nil)
        }
        #expect(await runtime.created.map(\.expiresAt) == [nil])
    }

    @Test(arguments: [
        (#""metadata":{"opensandbox.io/id":"x"}"#, ErrorAnswer(400, "SANDBOX::INVALID_METADATA_LABEL")),
        (#""metadata":{"a":"b c"}"#, ErrorAnswer(400, "SANDBOX::INVALID_METADATA_LABEL")),
        (#""timeout":3601"#, ErrorAnswer(400, "SANDBOX::INVALID_PARAMETER")),
        (#""extensions":{"access.renew.extend.seconds":"299"}"#, ErrorAnswer(400, "SANDBOX::INVALID_PARAMETER")),
        (#""extensions":{"poolRef":"p"}"#, ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED")),
        (#""networkPolicy":{"defaultAction":"deny"}"#, ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED")),
        (#""volumes":[{"name":"V","mountPath":"/v"}]"#, ErrorAnswer(400, "VOLUME::INVALID_NAME")),
        (#""secureAccess":true"#, ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED")),
        (#""lifecycle":{}"#, ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED")),
        (#""templateId":"t""#, ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED")),
    ])
    func refusesWhatItCannotDo(field: String, answer: ErrorAnswer) async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime, configure: { $0.maximumTimeout = 3600 }) { api async throws in
            let body = "{\(field),\(Self.minimalBody.dropFirst())"
            #expect(try await api.call(.post, "/sandboxes", body).error() == answer)
        }
        #expect(await runtime.created.isEmpty)
    }

    @Test func aTimeoutEndsWithinTheCalendar() async throws {
        try await APIClient.with { api async throws in
            let body = #"{"timeout":9223372036854775807,"# + Self.minimalBody.dropFirst()
            let answer = try await api.call(.post, "/sandboxes", body).error()
            #expect(answer == ErrorAnswer(400, "SANDBOX::INVALID_PARAMETER"))
        }
    }

    @Test func anUnknownSnapshotIsNotFound() async throws {
        try await APIClient.with { api async throws in
            let body = #"{"snapshotId":"s","resourceLimits":{}}"#
            #expect(try await api.call(.post, "/sandboxes", body).error() == ErrorAnswer(404, "SNAPSHOT::NOT_FOUND"))
        }
    }

    @Test(arguments: ["", "/v1"]) func getsASandbox(mount: String) async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("s 1", .failed, reason: "PauseFailed", message: "The registry is full.")
        try await APIClient.with(runtime) { api async throws in
            let response = try await api.call(.get, mount + "/sandboxes/s%201")
            #expect(response.status == .ok)
            let sandbox = try response.json(SandboxAnswer.self)
            #expect(sandbox.id == "s 1")
            #expect(sandbox.image == .init(uri: "busybox:1.36"))
            #expect(sandbox.status.state == "Failed")
            #expect(sandbox.status.reason == "PauseFailed")
            #expect(sandbox.status.message == "The registry is full.")
            #expect(sandbox.status.lastTransitionAt == "2026-01-01T00:00:00.250Z")
            #expect(sandbox.metadata == nil)
            #expect(try await api.call(.get, mount + "/sandboxes/s2").error().code == "KUBERNETES::SANDBOX_NOT_FOUND")
        }
    }

    @Test(arguments: ["", "/v1"]) func deletesASandbox(mount: String) async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("s1", .paused)
        try await APIClient.with(runtime) { api async throws in
            let response = try await api.call(.delete, mount + "/sandboxes/s1")
            #expect(response.status == .noContent)
            #expect(response.text.isEmpty)
            let again = try await api.call(.delete, mount + "/sandboxes/s1").error()
            #expect(again == ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND"))
        }
    }

    @Test func progressOfACaptureIsTold() async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("s1", .pausing)
        await runtime.report(.init(stage: "push", bytesRead: 5, bytesWritten: 3, bytesTotal: nil), of: "s1")
        try await APIClient.with(runtime) { api async throws in
            let text = try await api.call(.get, "/sandboxes/s1").text
            #expect(text.contains(#""progress":{"bytesRead":5,"bytesWritten":3,"stage":"push"}"#), "\(text)")
        }
    }
}
