// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SandboxModels
import Testing

@testable import LocalRuntime

/// Timeouts as the E2B API means them. It needs root.
@Suite("Timeouts of sandboxes on this machine")
struct TimeoutTests {
    private func spec(_ fixture: RuntimeFixture, _ policy: TimeoutPolicy = TimeoutPolicy()) -> SandboxSpec {
        var spec = fixture.spec()
        spec.owner = "me"
        spec.timeout = policy
        return spec
    }

    @Test("an extension that was answered is kept, and one that came too late finds nothing")
    func extensionsAtTheEnd() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                var ids: [String] = []
                for _ in 0..<8 {
                    let soon = Date().addingTimeInterval(600)
                    ids.append(try await runtime.create(spec(fixture), credentials: nil, expiresAt: soon).id)
                }
                let later = Date().addingTimeInterval(3600)
                // The end and its extension come at the same moment, a little earlier or later each time.
                let kept = try await withThrowingTaskGroup(of: (String, Bool).self) { group in
                    for (place, id) in ids.enumerated() {
                        group.addTask {
                            let end = Date().addingTimeInterval(0.1)
                            try await runtime.setTimeout(id, to: end, onlyIfLater: false)
                            let moment = end.timeIntervalSinceNow + Double(place - 4) * 0.001
                            try await Task.sleep(for: .seconds(max(0, moment)))
                            do {
                                try await runtime.setTimeout(id, to: later, onlyIfLater: true)
                                return (id, true)
                            } catch let error as SandboxError where error.code == .notFound {
                                return (id, false)
                            }
                        }
                    }
                    return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                for id in ids {
                    if kept[id] == true {
                        let sandbox = try await runtime.sandbox(id)
                        #expect(sandbox.status.state == .running && sandbox.expiresAt == later)
                        try await runtime.deleteAndExpectGone(id)
                    } else if let runner = try? await runtime.runner(id) {
                        await runner.waitUntilGone(deadline: .now + .seconds(30))
                        #expect(await runner.isForgotten)
                    }
                }
            }
        }
    }

    @Test("a pause, a resume and a deletion at once: the first one counts, and the others hear of it")
    func everythingAtOnce() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let end = Date().addingTimeInterval(600)
                let id = try await runtime.create(spec(fixture), credentials: nil, expiresAt: end).id
                try await runtime.pause(id, keptFor: nil)
                try await runtime.pause(id, keptFor: nil)
                let refused = await #expect(throws: SandboxError.self) { try await runtime.connect(id, until: end) }
                #expect(refused?.code == .invalidState)
                let unchanged = await #expect(throws: SandboxError.self) {
                    try await runtime.setTimeout(id, to: end, onlyIfLater: false)
                }
                #expect(unchanged?.code == .invalidState)
                try await runtime.wait(id, until: .paused)
                #expect(try await runtime.connect(id, until: end))
                #expect(try await !runtime.connect(id, until: end.addingTimeInterval(60)))
                let early = await #expect(throws: SandboxError.self) { try await runtime.pause(id, keptFor: nil) }
                #expect(early?.code == .invalidState)
                let resumed = try await runtime.wait(id, until: .running)
                #expect(resumed.expiresAt == end.addingTimeInterval(60))
                try await runtime.deleteAndExpectGone(id)
                let gone = await #expect(throws: SandboxError.self) { try await runtime.connect(id, until: end) }
                #expect(gone?.code == .notFound)
            }
        }
    }

    @Test("what was paused by its time is kept, and gets time when it is resumed, by whatever API")
    func pausesByItself() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let policy = TimeoutPolicy(.pause, leastAfterResume: 300)
                let soon = Date().addingTimeInterval(1)
                let id = try await runtime.create(spec(fixture, policy), credentials: nil, expiresAt: soon).id
                let paused = try await runtime.wait(id, until: .paused)
                #expect(paused.pausesAt == soon && paused.expiresAt == nil)
                try await runtime.resumeAndWait(id)
                let end = try await #require(runtime.sandbox(id).pausesAt)
                #expect(end > Date().addingTimeInterval(290))
                try await runtime.setTimeout(id, to: Date(), onlyIfLater: false)
                try await runtime.wait(id, until: .paused)
                #expect(try await runtime.connect(id, until: Date().addingTimeInterval(10)))
                let next = try await #require(runtime.sandbox(id).pausesAt)
                #expect(next > Date().addingTimeInterval(290))
                try await runtime.deleteAndExpectGone(id)
            }
        }
    }

    @Test("a paused one is deleted when it was kept for as long as was asked for")
    func retention() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let end = Date().addingTimeInterval(600)
                let id = try await runtime.create(spec(fixture), credentials: nil, expiresAt: end).id
                try await runtime.pause(id, keptFor: .seconds(1))
                let paused = try await runtime.wait(id, until: .paused)
                #expect(paused.expiresAt == paused.status.lastTransitionAt.addingTimeInterval(1))
                try await runtime.runner(id).waitUntilGone(deadline: .now + .seconds(30))
                await #expect(throws: SandboxError.self) { try await runtime.sandbox(id) }
            }
        }
    }

    @Test("a pause that was asked for and failed leaves the one by itself to come", arguments: [true, false])
    func failedPause(pausesByItself: Bool) async throws {
        // No pause is durable that soon.
        try await RuntimeFixture.with(captureTimeout: 0.001) { fixture in
            try await fixture.run { runtime in
                let policy = TimeoutPolicy(pausesByItself ? .pause : .delete)
                let end = Date().addingTimeInterval(600)
                let id = try await runtime.create(spec(fixture, policy), credentials: nil, expiresAt: end).id
                try await runtime.pause(id, keptFor: nil)
                let running = try await runtime.waitForEnd(of: .pausing, id)
                #expect(running.status.state == .running && running.status.message != nil)
                // The wish is seen to when the record is.
                let wishes = try await runtime.changes(of: id)
                for await _ in wishes {
                    let wish = try await runtime.runner(id).row.intent.wish
                    if wish == (pausesByItself ? .running : .paused) { break }
                }
                let sandbox = try await runtime.sandbox(id)
                #expect((pausesByItself ? sandbox.pausesAt : sandbox.expiresAt) == end)
                try await runtime.deleteAndExpectGone(id)
            }
        }
    }

    @Test("one request makes one sandbox, however often it is sent, and after a restart")
    func requestKeys() async throws {
        try await RuntimeFixture.with { fixture in
            func asked(_ owner: String, _ digest: String) -> SandboxSpec {
                var spec = spec(fixture)
                spec.owner = owner
                var options = SandboxOptions()
                options.requestKey = "key"
                options.requestDigest = digest
                spec.options = options
                return spec
            }
            let id = try await fixture.run { runtime in
                async let one = runtime.create(asked("me", "a"), credentials: nil, expiresAt: nil).id
                async let two = runtime.create(asked("me", "a"), credentials: nil, expiresAt: nil).id
                let ids = try await [one, two]
                #expect(ids[0] == ids[1])
                return ids[0]
            }
            try await fixture.run { runtime in
                #expect(try await runtime.create(asked("me", "a"), credentials: nil, expiresAt: nil).id == id)
                let other = await #expect(throws: SandboxError.self) {
                    try await runtime.create(asked("me", "b"), credentials: nil, expiresAt: nil)
                }
                #expect(other?.code == .requestKeyReused)
                let somebodys = try await runtime.create(asked("you", "b"), credentials: nil, expiresAt: nil).id
                #expect(somebodys != id)
                for id in [id, somebodys] { try await runtime.deleteAndExpectGone(id) }
                let again = try await runtime.create(asked("me", "b"), credentials: nil, expiresAt: nil).id
                #expect(again != id)
                try await runtime.deleteAndExpectGone(again)
            }
        }
    }

    @Test("a snapshot knows its owner and what it was taken of, and goes when its time is over")
    func snapshots() async throws {
        try await RuntimeFixture.with { fixture in
            let spec = spec(fixture)
            let id = try await fixture.run { runtime in
                let id = try await runtime.create(spec, credentials: nil, expiresAt: nil).id
                let options = SnapshotOptions(name: "mine", owner: "me", keepRunning: false, timeToLive: 3600)
                let begun = try await runtime.createSnapshot(of: id, options: options)
                let ready = try await runtime.settledSnapshot(begun.id, within: .seconds(60))
                #expect(ready.status.state == .ready && ready.owner == "me" && ready.source?.owner == "me")
                // It ends with its snapshot.
                if let runner = try? await runtime.runner(id) {
                    await runner.waitUntilGone(deadline: .now + .seconds(30))
                }
                return ready.id
            }
            try await fixture.run { runtime in
                let snapshot = try await runtime.snapshot(id)
                #expect(snapshot.owner == "me" && snapshot.source?.entrypoint == spec.entrypoint)
                let end = snapshot.status.lastTransitionAt.addingTimeInterval(3600)
                #expect(snapshot.expiresAt == end)
                try await runtime.deleteSnapshot(id)

                let source = try await runtime.create(spec, credentials: nil, expiresAt: nil).id
                let options = SnapshotOptions(owner: "me", timeToLive: 0.01)
                let begun = try await runtime.createSnapshot(of: source, options: options)
                // It may be gone before anybody has seen that it was ready.
                _ = try? await runtime.settledSnapshot(begun.id, within: .seconds(60))
                while try await !runtime.snapshots().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
                let memory = await #expect(throws: SandboxError.self) {
                    try await runtime.createSnapshot(of: source, options: SnapshotOptions(contents: ["memory"]))
                }
                #expect(memory?.code == .unsupported)
                try await runtime.deleteAndExpectGone(source)
            }
        }
    }
}
