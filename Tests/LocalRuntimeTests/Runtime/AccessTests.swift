// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SandboxModels
import Testing

@testable import LocalRuntime

/// Following sandboxes, and hearing of their use. It needs root.
@Suite("Following and using sandboxes on this machine")
struct AccessTests {
    @Test("every change is told, the newest to those who are slow, until the sandbox is gone")
    func changes() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                var seen = try await runtime.changes(of: id).makeAsyncIterator()
                #expect(await seen.next()?.status.state == .running)
                var asleep = try await runtime.changes(of: id).makeAsyncIterator()
                #expect(await asleep.next()?.status.state == .running)
                try await runtime.pause(id)
                var states: [SandboxStatus.State] = []
                while states.last != .paused, let sandbox = await seen.next() { states.append(sandbox.status.state) }
                #expect(states.last == .paused && states.contains(.pausing), "\(states)")
                // Who did not look meanwhile sees what is, and not what was.
                #expect(await asleep.next()?.status.state == .paused)
                try await runtime.delete(id)
                while let sandbox = await seen.next() { #expect(sandbox.id == id) }
                await #expect(throws: SandboxError.self) { try await runtime.changes(of: id) }
            }
        }
    }

    @Test("a sandbox that asks for it is renewed when it is used, and never made to expire earlier")
    func renewal() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let now = Date()
                var spec = fixture.spec()
                spec.extensions["access.renew.extend.seconds"] = "600"
                let soon = now.addingTimeInterval(300)
                let id = try await runtime.create(spec, credentials: nil, expiresAt: soon).id
                await runtime.recordAccess(id, at: now)
                #expect(try await runtime.sandbox(id).expiresAt == now.addingTimeInterval(600))
                // A second more is not worth a write, an earlier end no renewal.
                await runtime.recordAccess(id, at: now.addingTimeInterval(1))
                await runtime.recordAccess(id, at: now.addingTimeInterval(-100))
                #expect(try await runtime.sandbox(id).expiresAt == now.addingTimeInterval(600))
                await runtime.recordAccess(id, at: now.addingTimeInterval(60))
                #expect(try await runtime.sandbox(id).expiresAt == now.addingTimeInterval(660))

                let silent = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: soon).id
                await runtime.recordAccess(silent, at: now)
                #expect(try await runtime.sandbox(silent).expiresAt == soon)
                await runtime.recordAccess("nope", at: now)
                for id in [id, silent] { try await runtime.deleteAndExpectGone(id) }
            }
        }
    }
}
