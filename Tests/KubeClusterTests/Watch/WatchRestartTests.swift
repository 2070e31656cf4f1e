// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import TestSupport
import Testing

/// Watches while the API server is really stopped, or killed, and started again. docs/kubernetes-watch.md has the whole table.
@Suite(.serialized)
struct WatchRestartTests {
    enum End: Sendable {
        case stopped, killed
    }

    /// Writers write before, during and after. Whether the API server can tell what happened meanwhile depends on its cache; that
    /// each change is told once, in order, deletions as such, does not.
    @Test(.timeLimit(.minutes(5)), arguments: [(true, End.stopped), (false, .killed)])
    func anInformerFollowsThroughARestart(_ hasWatchCache: Bool, _ end: End) async throws {
        let names = ["a", "b", "c"]
        try await Cluster.runOwnServer(hasWatchCache: hasWatchCache) { server, client in
            for name in names { _ = try await client.maps.create(.numbered(name)) }
            let informer = Informer(
                client.maps,
                try .numbered(),
                backoff: Backoff(firstDelay: .milliseconds(20), longestDelay: .milliseconds(100)),
                logger: Cluster.logger
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await informer.run() }
                var changes = informer.changes.makeAsyncIterator()
                try await informer.waitUntilSynced()
                try await withThrowingTaskGroup(of: Void.self) { work in
                    for name in names {
                        work.addTask {
                            for value in 1...30 {
                                // The same again changes nothing, so it may be repeated.
                                let patch = MergePatch(["data": ["value": .string("\(value)")]])
                                _ = try await client.maps.patch(name, .merge(patch))
                            }
                        }
                    }
                    switch end {
                    case .stopped: try await server.stop()
                    case .killed: try await server.kill()
                    }
                    try await server.start()
                    try await work.waitForAll()
                }
                for name in names { try await client.maps.delete(name) }
                try await follow(&changes, names, isComplete: !hasWatchCache)
                #expect(informer.store.count == 0)
                group.cancelAll()
            }
        }
    }

    /// Hears all changes of all maps until the last one is deleted.
    private func follow(
        _ changes: inout ChangeSequence<ConfigMap>.Iterator,
        _ names: [String],
        isComplete: Bool
    ) async throws {
        var values: [String: Int] = [:]
        var gone: Set<String> = []
        while gone.count < names.count, let change = await changes.next() {
            let name = change.key.name
            let value = try #require(change.object.value)
            #expect(!gone.contains(name))
            switch change {
            case .added(_, let isInitial):
                #expect(isInitial && value == 0 && values[name] == nil)
                values[name] = value
            case .updated(let old, _):
                let last = try #require(values[name])
                #expect(old.value == last && (isComplete ? value == last + 1 : value > last))
                values[name] = value
            case .deleted(_, let isFinalStateKnown):
                #expect(value == values[name] && (!isFinalStateKnown || value == 30))
                #expect(isFinalStateKnown || !isComplete)
                gone.insert(name)
            }
        }
    }

    /// As long as nothing has happened that it has not told of, a watch goes on after a restart.
    @Test(.timeLimit(.minutes(5)))
    func aWatchGoesOnAfterARestart() async throws {
        try await Cluster.runOwnServer(hasWatchCache: false) { server, client in
            var events = try await restartUnderAWatch(server, client)
            #expect(try await next(&events) == "modified one 1")
            try await client.maps.delete("one")
            #expect(try await next(&events) == "deleted one 1")
        }
    }

    /// A server with a watch cache knows only what came after its start, and it writes objects of its own while it starts: whether
    /// the state to go on from is older is chance. If it is, the watch says so; nothing is left out in silence.
    @Test(.timeLimit(.minutes(5)))
    func aWatchOfACachedKindGoesOnOrSaysThatItsStateIsForgotten() async throws {
        try await Cluster.runOwnServer(hasWatchCache: true) { server, client in
            var events = try await restartUnderAWatch(server, client)
            do {
                #expect(try await next(&events) == "modified one 1")
            } catch let error as KubeError {
                #expect(error.kind == .expired)
            }
        }
    }

    /// Kills and starts a server under a watch that has told everything so far; then one map is changed.
    private func restartUnderAWatch(
        _ server: APIServerDaemon,
        _ client: KubeClient
    ) async throws -> WatchSequence<ConfigMap>.Iterator {
        let version = try await client.maps.list().metadata.resourceVersion
        var events = client.maps.watch(try .numbered(from: version)).makeAsyncIterator()
        _ = try await client.maps.create(.numbered("one"))
        #expect(try await next(&events) == "added one 0")
        try await server.kill()
        try await server.start()
        _ = try await client.maps.update("one") { $0.data["value"] = "1" }
        return events
    }

    /// The other end is gone and nobody says so: nothing comes any more, and no connection is closed.
    @Test(.timeLimit(.minutes(5)))
    func aHalfOpenConnectionIsGivenUp() async throws {
        try await Cluster.runOwnServer { server, client in
            try await Cluster.runBehindProxy(server) { configuration in
                configuration.watchDuration = .seconds(2)
                configuration.watchGrace = .seconds(1)
                configuration.requestTimeout = .seconds(1)
            } _: { remote, proxy in
                let version = try await remote.maps.list().metadata.resourceVersion
                var events = remote.maps.watch(try .numbered(from: version)).makeAsyncIterator()
                _ = try await client.maps.create(.numbered("one"))
                #expect(try await next(&events) == "added one 0")
                proxy.stallConnections()
                _ = try await client.maps.update("one") { $0.data["value"] = "1" }
                try await client.maps.delete("one")
                // A request finds the connection of the one before it in the pool.
                #expect(try await remote.maps.find("one") == nil)
                #expect(try await next(&events) == "modified one 1")
                #expect(try await next(&events) == "deleted one 1")
            }
        }
    }

    private func next(_ events: inout WatchSequence<ConfigMap>.Iterator) async throws -> String? {
        while let event = try await events.next() {
            switch event {
            case .added(let map): return "added \(map.metadata.name) \(map.data["value"] ?? "")"
            case .modified(let map): return "modified \(map.metadata.name) \(map.data["value"] ?? "")"
            case .deleted(let map): return "deleted \(map.metadata.name) \(map.data["value"] ?? "")"
            case .bookmark: continue
            }
        }
        return nil
    }
}
