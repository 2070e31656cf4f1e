// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Requests through the real server to sandboxes on a real containerd. It needs root.
@Suite("Requests to paused sandboxes")
struct WakeOnTrafficTests {
    @Test("wake them, once for all who ask, and find what was there before")
    func wake() async throws {
        try await Testbed.with(role: nil) { testbed in
            _ = try await testbed.start()
            let api = testbed.api
            let id = try await api.createWebServer(image: testbed.image).id
            try await testbed.execute("echo hello > /www/greeting", in: id)
            let running = try await Patience().until("the web server answers") {
                try? await api.get(id, port: 8080, "/greeting")
            }
            #expect(running == "hello\n")

            try await api.pause(id)
            #expect(try await api.settled(id)?.status.state == "Paused")
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await api.get(id, port: 8080, "/greeting") } }
                for try await answer in group { #expect(answer == "hello\n") }
            }
            print("asleep to answered: \(ContinuousClock.now - start)")
            #expect(try await api.sandbox(id).status.state == "Running")

            // One that is only going to sleep is woken when it is asleep.
            try await api.pause(id)
            #expect(try await api.get(id, port: 8080, "/greeting") == "hello\n")
            #expect(try await api.sandbox(id).status.state == "Running")

            // Nothing listens there, asleep or not.
            let refused = await #expect(throws: RuntimeAPI.Refusal.self) { try await api.get(id, port: 9, "/") }
            #expect(refused?.status == 502 && refused?.code == "BACKEND_CONNECTION_FAILED")
            try await api.delete(id)
            try await testbed.expectConsistent()
        }
    }
}
