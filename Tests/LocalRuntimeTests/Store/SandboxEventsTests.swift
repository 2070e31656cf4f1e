// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SandboxModels
import Testing

@testable import LocalRuntime

@Suite("The history of sandboxes")
struct SandboxEventsTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    private func withStore(_ body: (SandboxStore) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "stasis-\(UUID().uuidString).sqlite").path
        defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        let store = try SandboxStore(path: path)
        try await body(store)
        try store.close()
    }

    private func row(_ id: String) -> SandboxRow {
        SandboxRow(
            id: id,
            spec: SandboxSpec(image: "registry.example/app:1"),
            createdAt: Self.start,
            intent: Intent(wish: .running, generation: 1),
            recorded: Recorded(identity: id, now: Self.start),
            image: "registry.example/app:1"
        )
    }

    private func event(_ number: Int) -> SandboxEvent {
        SandboxEvent(at: Self.start.addingTimeInterval(Double(number)), "R\(number)", "message \(number)")
    }

    @Test("is written with what it tells of, in its order, and goes with its sandbox")
    func written() async throws {
        try await withStore { store in
            try await store.insert(row("one"))
            try await store.insert(row("two"))
            try await store.update(recorded: row("one").recorded, of: "one", events: [event(1), event(2)])
            #expect(try await store.events(of: "one").map(\.reason) == ["Created", "R1", "R2"])
            #expect(try await store.events(of: "one").last == event(2))
            #expect(try await store.events(of: "two").map(\.reason) == ["Created"])
            try await store.remove("one")
            #expect(try await store.events(of: "one").isEmpty)
            #expect(try await store.events(of: "two").count == 1)
            // What is told of a sandbox that is gone is not written: the same transaction says so.
            await #expect(throws: SandboxError.self) {
                try await store.update(recorded: row("one").recorded, of: "one", events: [event(3)])
            }
            #expect(try await store.events(of: "one").isEmpty)
        }
    }

    @Test("is bounded for each sandbox")
    func bounded() async throws {
        try await withStore { store in
            try await store.insert(row("busy"))
            try await store.insert(row("quiet"))
            for number in 1...250 {
                try await store.update(recorded: row("busy").recorded, of: "busy", events: [event(number)])
            }
            let kept = try await store.events(of: "busy").map(\.reason)
            #expect(kept == ((250 - SandboxEventRow.most + 1)...250).map { "R\($0)" })
            #expect(try await store.events(of: "quiet").count == 1)
        }
    }

    @Test("Specifications from before there were volumes are read")
    func olderSpecification() throws {
        let old =
            #"{"image":"a","entrypoint":["x"],"environment":{},"resourceLimits":{},"metadata":{},"extensions":{}}"#
        let spec = try JSONDecoder().decode(SandboxSpec.self, from: Data(old.utf8))
        #expect(spec == SandboxSpec(image: "a", entrypoint: ["x"]))
        var mounted = spec
        mounted.volumes = [SandboxVolume(name: "v", source: .named(.init(name: "c")), mountPath: "/v", subPath: "s")]
        #expect(try JSONDecoder().decode(SandboxSpec.self, from: JSONEncoder().encode(mounted)) == mounted)
    }
}
