// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import KubeClient

/// Watches against a server that says what no real one does.
struct WatchTests {
    private static func event(_ type: String, _ name: String, _ version: Int) -> String {
        #"{"type":"\#(type)","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\#(name)","resourceVersion":"\#(version)"}}}"#
            + "\n"
    }

    private static func version(_ exchange: RawWebServer.Exchange) -> String? {
        exchange.head.firstMatch(of: /resourceVersion=(\w+)/).map { String($0.1) }
    }

    /// The first `count` events, as `type name version`.
    private func collect(_ count: Int, from version: String? = "1", _ client: KubeClient) async throws -> [String] {
        var events: [String] = []
        for try await event in client.maps.watch(ListOptions(resourceVersion: version)) {
            switch event {
            case .added(let map): events.append("added \(map.metadata.name)")
            case .modified(let map): events.append("modified \(map.metadata.name)")
            case .deleted(let map): events.append("deleted \(map.metadata.name)")
            case .bookmark(let version): events.append("bookmark \(version)")
            }
            if events.count == count { break }
        }
        return events
    }

    /// Each stream tells of the next event, in some way ends, and is asked for what comes after it.
    @Test(arguments: ["ends", "breaks", "is cut within an event", "is refused", "says that it failed"])
    func goesOnWhereItWas(_ how: String) async throws {
        let asked = Mutex<[String?]>([])
        try await RawWebServer.run { exchange in
            let round = asked.withLock { asked in
                asked.append(Self.version(exchange))
                return asked.count
            }
            if round > 1, round.isMultiple(of: 2), how == "is refused" {
                try await exchange.answer("503 Service Unavailable", "{}")
                return
            }
            try await exchange.sendHead()
            let version = (Self.version(exchange).flatMap { Int($0) } ?? 0) + 1
            try await exchange.sendChunk(Self.event("ADDED", "map-\(version)", version))
            switch how {
            case "ends": try await exchange.sendChunk("")
            case "is cut within an event":
                try await exchange.sendChunk(String(Self.event("ADDED", "map-x", 99).prefix(40)))
                throw CancellationError()
            case "says that it failed":
                try await exchange.sendChunk(
                    #"{"type":"ERROR","object":{"kind":"Status","code":500,"message":"oh"}}"# + "\n"
                )
                try await exchange.hang()
            default: throw CancellationError()
            }
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let events = try await collect(4, client)
                #expect(events == ["added map-2", "added map-3", "added map-4", "added map-5"])
            }
        }
        let versions = asked.withLock { $0.compactMap { $0 } }
        #expect(withoutRepetitions(versions) == ["1", "2", "3", "4"], "\(versions)")
    }

    private func withoutRepetitions(_ versions: [String]) -> [String] {
        versions.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }

    @Test func bookmarksMoveItOn() async throws {
        let asked = Mutex<[String?]>([])
        try await RawWebServer.run { exchange in
            let isFirst = asked.withLock { asked in
                asked.append(Self.version(exchange))
                return asked.count == 1
            }
            #expect(exchange.head.contains("allowWatchBookmarks=true") && exchange.head.contains("timeoutSeconds="))
            try await exchange.sendHead()
            if isFirst {
                try await exchange.sendChunk(
                    #"{"type":"BOOKMARK","object":{"kind":"ConfigMap","metadata":{"resourceVersion":"70"}}}"# + "\n"
                )
                try await exchange.sendChunk(#"{"object":{"metadata":{"name":"late"}},"type":"SOMETHING"}"# + "\n\n")
            } else {
                // The members may come in any order.
                try await exchange.sendChunk(
                    #"{"object":{"metadata":{"name":"a","resourceVersion":"71"}},"type":"DELETED"}"# + "\n"
                )
            }
            try await exchange.sendChunk("")
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let events = try await collect(2, client)
                #expect(events == ["bookmark 70", "deleted a"])
            }
        }
        #expect(asked.withLock { $0 } == ["1", "70"])
    }

    @Test(arguments: [true, false])
    func whatIsTooOldIsExpired(_ isEvent: Bool) async throws {
        let status = #"{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version: 1 (2)"}"#
        try await RawWebServer.run { exchange in
            if isEvent {
                try await exchange.sendHead()
                try await exchange.sendChunk(#"{"type":"ERROR","object":\#(status)}"# + "\n")
            } else {
                try await exchange.answer("410 Gone", status)
            }
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, pauses in
                let error = await #expect(throws: KubeError.self) { try await collect(1, client) }
                #expect(error?.isExpired == true, "\(error.map(\.description) ?? "")")
                #expect(pauses.all.isEmpty)
            }
            #expect(server.heads.count == 1)
        }
    }

    @Test func givesUpWhenNothingWorks() async throws {
        try await RawWebServer.run { _ in
            throw CancellationError()
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, pauses in
                let error = await #expect(throws: KubeError.self) { try await collect(1, client) }
                #expect(error?.kind == .unreachable && pauses.all.count == 2)
            }
        }
        try await TestWebServer.run({ _ in .status(403, reason: "Forbidden") }) { server in
            try await withTestClient("http://\(server.authority)") { client, pauses in
                let error = await #expect(throws: KubeError.self) { try await collect(1, client) }
                #expect(error?.kind == .forbidden && pauses.all.isEmpty)
            }
        }
    }

    /// A server that ends each stream at once is asked ever more rarely.
    @Test func emptyStreamsAreNotAskedForWithoutPause() {
        var progress = WatchProgress(from: "1")
        let policy = RetryPolicy(attempts: 3)
        var pauses: [Duration] = []
        for _ in 0..<10 {
            guard case .reconnect(let pause) = progress.ended(with: nil, isShort: true, policy) else { continue }
            pauses.append(pause)
        }
        #expect(pauses.count == 10 && pauses[0] == .zero && pauses[9] > .seconds(10))
        progress.advance(to: nil)
        #expect(progress.resourceVersion == "1" && progress.failures == 0)
    }

    @Test func aSilentStreamIsTakenForBroken() async throws {
        try await RawWebServer.run { exchange in
            try await exchange.sendHead()
            try await exchange.hang()
        } body: { server in
            try await withTestClient(
                "http://\(server.authority)",
                configure: { configuration in
                    configuration.watchDuration = .milliseconds(50)
                    configuration.watchGrace = .milliseconds(100)
                }
            ) { client, _ in
                let error = await #expect(throws: KubeError.self) { try await collect(1, client) }
                #expect(error?.kind == .timeout, "\(error.map(\.description) ?? "")")
            }
            #expect(server.heads.count == 3)
        }
    }

    @Test func aSlowReaderSlowsTheServerDown() async throws {
        let padding = String(repeating: "x", count: 100_000)
        let line =
            #"{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"2"},"data":{"x":"\#(padding)"}}}"#
            + "\n"
        try await RawWebServer.run { exchange in
            try await exchange.sendHead()
            while true { try await exchange.sendChunk(line) }
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                var events = client.maps.watch(ListOptions(resourceVersion: "1")).makeAsyncIterator()
                _ = try await events.next()
                // It goes on until every buffer between us is full.
                var before = -1
                while server.sent != before {
                    before = server.sent
                    try await Task.sleep(for: .milliseconds(300))
                }
                #expect(server.sent < 64 << 20)
                for _ in 0..<400 { _ = try await events.next() }
                #expect(server.sent > before, "and goes on when it is read")
            }
        }
    }

    @Test func cancellationClosesTheStream() async throws {
        try await RawWebServer.run { exchange in
            try await exchange.sendHead()
            try await exchange.sendChunk(Self.event("ADDED", "a", 2))
            try await exchange.hang()
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let (seen, signal) = AsyncStream.makeStream(of: Void.self)
                await withTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        do {
                            for try await _ in client.maps.watch(ListOptions(resourceVersion: "1")) { signal.finish() }
                            return false
                        } catch {
                            return error is CancellationError
                        }
                    }
                    for await _ in seen {}
                    group.cancelAll()
                    #expect(await group.next() == true)
                }
                // Left early, it closes as well.
                #expect(try await collect(1, client) == ["added a"])
                while server.openConnections > 0 { try await Task.sleep(for: .milliseconds(5)) }
            }
        }
    }
}
