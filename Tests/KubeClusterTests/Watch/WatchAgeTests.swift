// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import TestSupport
import Testing

/// Watches from states that an API server has really forgotten, and what keeps a watch from getting so old.
/// docs/kubernetes-watch.md has the whole table.
@Suite(.serialized)
struct WatchAgeTests {
    /// While an informer has no connection, everything changes and etcd is compacted. An API server with a cache is started again
    /// besides: its cache would remember.
    @Test(.timeLimit(.minutes(5)), arguments: [true, false])
    func whatIsForgottenIsListedAgainAndToldOnce(_ hasWatchCache: Bool) async throws {
        try await Cluster.runOwnServer(hasWatchCache: hasWatchCache) { server, client in
            for name in ["again", "changes", "goes", "stays"] { _ = try await client.maps.create(.numbered(name)) }
            let version = try await client.maps.list().metadata.resourceVersion
            try await Cluster.runBehindProxy(server) { remote, proxy in
                let informer = Informer(
                    remote.maps,
                    try .numbered(),
                    backoff: Backoff(firstDelay: .milliseconds(20), longestDelay: .milliseconds(100)),
                    logger: Cluster.logger
                )
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await informer.run() }
                    var changes = informer.changes.makeAsyncIterator()
                    for name in ["again", "changes", "goes", "stays"] {
                        #expect(text(await changes.next()) == "initial \(name) 0")
                    }
                    proxy.goAway()
                    for name in ["goes", "again"] { try await client.maps.delete(name) }
                    _ = try await client.maps.create(.numbered("again", 1))
                    for value in 1...3 {
                        _ = try await client.maps.update("changes") { $0.data["value"] = "\(value)" }
                    }
                    _ = try await client.maps.create(.numbered("new"))
                    try await server.compact()
                    if hasWatchCache {
                        try await server.kill()
                        try await server.start()
                    }
                    // It has really forgotten.
                    let error = await #expect(throws: KubeError.self) {
                        for try await event in client.maps.watch(try .numbered(from: version)) {
                            Issue.record("told \(event)")
                        }
                    }
                    #expect(error?.isExpired == true && error?.statusCode == 410, "\(error.map(\.description) ?? "")")

                    proxy.comeBack()
                    #expect(text(await changes.next()) == "vanished goes 0")
                    #expect(text(await changes.next()) == "vanished again 0")
                    #expect(text(await changes.next()) == "added again 1")
                    #expect(text(await changes.next()) == "updated changes 0 to 3")
                    #expect(text(await changes.next()) == "added new 0")
                    // And that was all; from here on it follows again.
                    _ = try await client.maps.create(.numbered("last"))
                    #expect(text(await changes.next()) == "added last 0")
                    #expect(informer.store.count == 5 && informer.failure == nil)
                    group.cancelAll()
                }
            }
        }
    }

    /// Nothing happens to what is watched, but much to others. Who has heard the bookmarks can go on when the API server is
    /// started again; who is where it began cannot.
    @Test(.timeLimit(.minutes(5)))
    func bookmarksKeepAnIdleWatchYoung() async throws {
        try await Cluster.runOwnServer { server, client in
            let version = try await client.maps.list().metadata.resourceVersion
            var configuration = client.configuration
            // The server sends one each minute, and one before it ends a stream.
            configuration.watchDuration = .seconds(4)
            try await withKubeClient(configuration, logger: Cluster.logger) { idle in
                var events = idle.maps.watch(try .numbered(from: version)).makeAsyncIterator()
                var told: String?
                repeat {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            while true {
                                // It tells only of what happens while a stream is open.
                                _ = try await client.maps.create(
                                    .numbered("other-\(UInt32.random(in: 0 ... .max))", label: "other")
                                )
                                try await Task.sleep(for: .seconds(1))
                            }
                        }
                        guard case .bookmark(let version) = try await events.next() else {
                            Issue.record("told of something else")
                            return
                        }
                        told = version
                        group.cancelAll()
                    }
                } while try await told != String(server.revision())
                try await server.kill()
                try await server.start()
                try #require(try await told == String(server.revision()))
                let error = await #expect(throws: KubeError.self) {
                    for try await event in client.maps.watch(try .numbered(from: version)) {
                        Issue.record("told \(event)")
                    }
                }
                #expect(error?.isExpired == true)
                _ = try await client.maps.create(.numbered("one"))
                var event = try await events.next()
                while case .bookmark = event { event = try await events.next() }
                guard case .added(let map) = event else {
                    Issue.record("told \(event.map { "\($0)" } ?? "nothing")")
                    return
                }
                #expect(map.metadata.name == "one")
            }
        }
    }

    /// A consumer that does not read for a while: what it has not read waits at the server's end, not in our memory, until the
    /// server ends the stream; then it goes on where it was.
    @Test(.timeLimit(.minutes(5)))
    func aSlowConsumerNeitherFillsTheMemoryNorMissesAnEvent() async throws {
        let count = 150
        let padding = String(repeating: "x", count: 400_000)
        try await Cluster.runOwnServer { server, client in
            try await Cluster.runBehindProxy(server) { remote, proxy in
                let version = try await client.maps.list().metadata.resourceVersion
                var events = remote.maps.watch(try .numbered(from: version)).makeAsyncIterator()
                _ = try await client.maps.create(.numbered("large"))
                guard case .added = try await events.next() else {
                    Issue.record("it was not told that there is a map")
                    return
                }
                for value in 1...count {
                    let data: JSONValue = ["value": .string("\(value)"), "padding": .string(padding)]
                    _ = try await client.maps.patch("large", .merge(MergePatch(["data": data])))
                }
                // 60 MB were to be told. What has come this far is what fits into the buffers of a few sockets.
                #expect(proxy.bytesToClients < 24 << 20)
                var value = 0
                while value < count, let event = try await events.next() {
                    guard case .modified(let map) = event else { continue }
                    #expect(map.value == value + 1)
                    value = map.value ?? count
                }
                #expect(proxy.bytesToClients > count * padding.utf8.count)
            }
        }
    }

    private func text(_ change: Change<ConfigMap>?) -> String? {
        switch change {
        case .added(let map, let isInitial):
            "\(isInitial ? "initial" : "added") \(map.metadata.name) \(map.data["value"] ?? "")"
        case .updated(let old, let new):
            "updated \(new.metadata.name) \(old.data["value"] ?? "") to \(new.data["value"] ?? "")"
        case .deleted(let map, let isKnown):
            "\(isKnown ? "deleted" : "vanished") \(map.metadata.name) \(map.data["value"] ?? "")"
        case nil: nil
        }
    }
}
