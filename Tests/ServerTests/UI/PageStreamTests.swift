// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Synchronization
import Testing

@testable import Server

/// What pages are told.
@Suite struct PageStreamTests {
    /// The names and the identities in a line.
    private struct Line: Equatable {
        var name: String
        var ids: [String]

        init(_ name: String, _ ids: [String] = []) {
            (self.name, self.ids) = (name, ids)
        }

        init(_ bytes: [UInt8]) throws {
            guard case .object(let object) = try JSONParser.parse(bytes) else { throw ValidationError(issues: []) }
            name = object.keys.sorted().joined(separator: "+")
            ids = []
            guard case .array(let items)? = object.values.first else { return }
            for item in items {
                switch item {
                case .object(let object):
                    if case .string(let id)? = object["id"] { ids.append(id) }
                case .string(let id): ids.append(id)
                default: break
                }
            }
        }
    }

    private static func stream(_ tenants: Tenants) -> PageStream {
        PageStream(tenants: tenants, limit: PageStreamLimit(), interval: .milliseconds(1), silence: .zero)
    }

    @Test func aPageIsToldEverythingAndThenWhatChanges() async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("one", .running)
        await runtime.putSnapshot("snap", .ready, of: "one")
        let lines = Mutex<[Line]>([])
        try await Self.stream(Tenants(key: nil, runtime: runtime)).tell(of: Tenant.soleName, offering: nil) { bytes in
            let line = try Line(bytes)
            // One that says only that nothing has changed is the sign for the next change.
            guard line.name == "now" else {
                lines.withLock { $0.append(line) }
                return true
            }
            switch lines.withLock(\.count) {
            case 4: await runtime.put("two", .running)
            case 5: try await runtime.pause("two")
            case 6: try await runtime.delete("one")
            case 7: try await runtime.deleteSnapshot("snap")
            default: return false
            }
            return true
        }
        #expect(
            lines.withLock { $0 } == [
                Line("now+version"), Line("sandboxes", ["one"]), Line("snapshots", ["snap"]), Line("complete"),
                Line("sandboxes", ["two"]), Line("sandboxes", ["two"]), Line("gone", ["one"]),
                Line("goneSnapshots", ["snap"]),
            ]
        )
    }

    @Test func whoseKeyIsTakenAwayIsToldNothingMore() async throws {
        let lines = Mutex<[Line]>([])
        let tenants = Tenants(key: APIKey("k"), runtime: InMemoryRuntime())
        try await Self.stream(tenants).tell(of: Tenant.soleName, offering: "other") { bytes in
            let line = try Line(bytes)
            lines.withLock { $0.append(line) }
            return true
        }
        #expect(lines.withLock { $0 } == [Line("now+version"), Line("end")])
    }

    @Test func manySandboxesComeInBatches() async throws {
        let runtime = InMemoryRuntime()
        for number in 0..<(2 * PageStream.batch + 1) { await runtime.put("\(number)", .running) }
        var feed = PageFeed()
        let tenant = Tenant(name: "t", keys: [], runtime: runtime)
        let lines = try await feed.lines(of: tenant).map { try Line($0) }
        #expect(lines.map(\.ids.count) == [PageStream.batch, PageStream.batch, 1])
        #expect(Set(lines.flatMap(\.ids)).count == 2 * PageStream.batch + 1)
        #expect(try await feed.lines(of: tenant).isEmpty)
    }

    @Test func onlySoManyPagesMayBeOpen() throws {
        let limit = PageStreamLimit(1)
        do {
            let place = try limit.enter()
            #expect(throws: APIError.self) { try limit.enter() }
            withExtendedLifetime(place) {}
        }
        _ = try limit.enter()
    }
}
