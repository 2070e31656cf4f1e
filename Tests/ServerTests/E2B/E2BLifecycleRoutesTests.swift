// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

@Suite struct E2BLifecycleRoutesTests {
    private func date(_ seconds: Double) -> Date { InMemoryRuntime.start.addingTimeInterval(seconds) }

    @Test func timeouts() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("up")
            await e2b.runtime.limit("up", until: date(1000))
            let way = "/sandboxes/up/timeout"
            #expect(try await e2b.call(.post, way, #"{"timeout":1200}"#).status == .noContent)
            #expect(try await e2b.runtime.sandbox("up").expiresAt == date(1200))
            #expect(try await e2b.call(.post, way, #"{"timeout":60}"#).status == .noContent)
            #expect(try await e2b.runtime.sandbox("up").expiresAt == date(60))
            for body in [#"{"timeout":-1}"#, #"{"timeout":2592001}"#, "{}", "", #"{"timeout":"1"}"#] {
                #expect(try await e2b.call(.post, way, body).e2bError().code == 400)
            }
            // A refresh only gives.
            #expect(try await e2b.call(.post, "/sandboxes/up/refreshes", #"{"duration":10}"#).status == .noContent)
            #expect(try await e2b.runtime.sandbox("up").expiresAt == date(60))
            #expect(try await e2b.call(.post, "/sandboxes/up/refreshes", #"{"duration":90}"#).status == .noContent)
            #expect(try await e2b.runtime.sandbox("up").expiresAt == date(90))
            #expect(try await e2b.call(.post, "/sandboxes/up/refreshes").status == .noContent)
            #expect(try await e2b.call(.post, "/sandboxes/up/refreshes", #"{"duration":3601}"#).e2bError().code == 400)
            // What is over is over, whether somebody has seen to it or not.
            await e2b.runtime.limit("up", until: date(0))
            #expect(try await e2b.call(.post, way, #"{"timeout":60}"#).e2bError().code == 404)
            #expect(try await e2b.call(.get, "/sandboxes/up").e2bError().code == 404)
            await e2b.put("down", .paused)
            #expect(try await e2b.call(.post, "/sandboxes/down/timeout", #"{"timeout":60}"#).e2bError().code == 409)
        }
    }

    @Test(arguments: ["", "{}", #"{"memory":true}"#, #"{"memory":false,"novelty":1}"#])
    func pauses(body: String) async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("up")
            for _ in 0..<2 {
                let response = try await e2b.call(.post, "/sandboxes/up/pause", body)
                #expect(response.status == .noContent && response.text.isEmpty)
            }
            let paused: E2BAnswer = try await e2b.call(.get, "/sandboxes/up").json()
            #expect(paused.state == "paused" && paused.pauseMode == "filesystem")
            for state in [SandboxStatus.State.pending, .failed] {
                await e2b.put("other", state)
                #expect(try await e2b.call(.post, "/sandboxes/other/pause", body).e2bError().code == 404)
            }
            #expect(try await e2b.call(.post, "/sandboxes/none/pause", body).e2bError().code == 404)
        }
    }

    @Test func retentionComesInAHeader() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("up")
            for text in ["", "0", "-1m", "soon", "5", "1y"] {
                let response = try await e2b.call(.post, "/sandboxes/up/pause", headers: [.pausedRetention: text])
                #expect(try response.e2bError().code == 400, "\(text)")
            }
            for text in ["3m", "forever", "30d"] {
                _ = try await e2b.call(.post, "/sandboxes/up/pause", headers: [.pausedRetention: text])
            }
            _ = try await e2b.call(.post, "/sandboxes/up/pause")
            #expect(await e2b.runtime.retentions == [.seconds(180), .forever, .seconds(2_592_000), nil])
        }
    }

    @Test func aPauseThatFailsIsTold() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("up")
            await e2b.runtime.failPauses("The disk is full.")
            let error = try await e2b.call(.post, "/sandboxes/up/pause").e2bError()
            #expect(error.code == 500 && error.message.contains("The disk is full."))
        }
    }

    @Test(arguments: ["", "/v2"]) func connects(version: String) async throws {
        try await E2BClient.with { e2b async throws in
            let way = version + "/sandboxes/up/connect"
            await e2b.put("up")
            await e2b.runtime.limit("up", until: date(1000))
            for body in ["", "{}", #"{"timeout":10,"memory":false}"#] {
                let response = try await e2b.call(.post, way, body)
                #expect(response.status == .ok)
                #expect(try response.json(E2BAnswer.self).sandboxID == "up")
                #expect(try await e2b.runtime.sandbox("up").expiresAt == date(1000))
            }
            _ = try await e2b.call(.post, way, #"{"timeout":2000}"#)
            #expect(try await e2b.runtime.sandbox("up").expiresAt == date(2000))
            _ = try await e2b.call(.post, "/sandboxes/up/pause")
            let response = try await e2b.call(.post, way, #"{"timeout":900}"#)
            #expect(response.status == .created)
            #expect(try response.json(E2BAnswer.self).sandboxID == "up")
            #expect(try await e2b.runtime.sandbox("up").expiresAt == date(900))
            for body in [#"{"timeout":-1}"#, #"{"timeout":2592001}"#, "[]"] {
                #expect(try await e2b.call(.post, way, body).e2bError().code == 400)
            }
            // The older word always says the same.
            #expect(try await e2b.call(.post, "/sandboxes/up/resume", "{}").status == .created)
        }
    }

    @Test func aResumeThatFailsIsTold() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("down", .paused)
            await e2b.runtime.onResume(.failing("Its image is gone."))
            let error = try await e2b.call(.post, "/sandboxes/down/connect", "{}").e2bError()
            #expect(error.code == 500 && error.message.contains("Its image is gone."))
        }
    }

    /// A pause that was asked for is not undone; one that came by itself is waited for.
    @Test func connectingInTheMiddleOfAPause() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("asked", .pausing)
            #expect(try await e2b.call(.post, "/sandboxes/asked/connect", "{}").e2bError().code == 409)
            await e2b.put("timed", .pausing)
            await e2b.runtime.change("timed") {
                $0.spec.timeout = TimeoutPolicy(.pause)
                $0.pausesAt = InMemoryRuntime.start
            }
            async let connected = e2b.call(.post, "/sandboxes/timed/connect", "{}")
            await e2b.runtime.set("timed", .paused)
            #expect(try await connected.status == .created)
            #expect(try await e2b.runtime.sandbox("timed").status.state == .running)
        }
    }

    @Test func whatASandboxConnectsToCannotBeChanged() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("up")
            for (body, code) in [
                ("{}", 204), (#"{"allowOut":["1.1.1.1"]}"#, 204), (#"{"denyOut":["0.0.0.0/0"]}"#, 400),
                (#"{"denyOut":1}"#, 400),
            ] {
                #expect(try await e2b.call(.put, "/sandboxes/up/network", body).status.code == code, "\(body)")
            }
        }
    }
}
