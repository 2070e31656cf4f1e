// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import KubeClient
import KubeModels
import KubeRuntime
import ServiceLifecycle
import TestSupport
import Testing

/// Against a real API server.
@Suite(.serialized)
struct ElectionTests {
    /// The leader is frozen, another one takes over, and the first is thawed: it must not act any more. Then the second one is
    /// told to end, and releases the lease.
    @Test(.timeLimit(.minutes(3)), arguments: [2, 3])
    func aFrozenLeaderIsFollowedByAnother(count: Int) async throws {
        let kubeconfig = try KubernetesTestbed.find().kubeconfig
        try await Cluster.run { client, namespace in
            let candidates = CandidateGroup(
                kubeconfig: kubeconfig,
                namespace: namespace,
                lease: "lock",
                timing: ["4", "3", "500"]
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count { group.addTask { try await candidates.run("c\(number)") } }
                let first = await candidates.first { $0.first { $0.what == "acting" } }
                candidates.send(SIGSTOP, to: first.identity)
                let second = await candidates.first { lines in
                    lines.first { $0.what == "acting" && $0.identity != first.identity }
                }
                candidates.send(SIGCONT, to: first.identity)
                _ = await candidates.first { lines in
                    lines.first { $0.what == "ended" && $0.identity == first.identity && $0.term == first.term }
                }
                // Who leads by now, on a busy machine, may be another one again.
                let leases = client.resource(Lease.self, in: .named(namespace))
                _ = await candidates.first { lines in
                    lines.count { $0.what == "acting" && $0.term >= second.term } > 10 ? true : nil
                }
                for number in 0..<count { candidates.send(SIGTERM, to: "c\(number)") }
                try await group.waitForAll()
                #expect(try await leases.get("lock").spec.holderIdentity == "", "it was not released")
            }
            Self.checkOrder(candidates.lines)
        }
    }

    /// What was done in one term was done by one candidate, and all of it before what was done in the next.
    private static func checkOrder(_ lines: [CandidateGroup.Line]) {
        let acts = lines.filter { $0.what == "acting" }.sorted { $0.time < $1.time }
        #expect(acts.map(\.term) == acts.map(\.term).sorted(), "two have led at a time")
        for (term, ofTerm) in Dictionary(grouping: acts, by: \.term) {
            #expect(Set(ofTerm.map(\.identity)).count == 1, "in term \(term) more than one has led")
        }
        #expect(Set(acts.map(\.term)).count >= 2)
    }

    /// A leader that the API server does not hear from any more stops by itself, before others can begin, and says why.
    @Test(.timeLimit(.minutes(3)))
    func aLeaderWithoutAnAPIServerStopsBeforeAnotherBegins() async throws {
        let timing = ElectionTiming(
            leaseDuration: .seconds(5),
            renewDeadline: .seconds(3),
            retryPeriod: .milliseconds(300)
        )
        try await Cluster.run { client, namespace in
            try await Cluster.runBehindProxy { remote, proxy in
                let first = LeaderElector(
                    remote.resource(Lease.self, in: .named(namespace)),
                    name: "lock",
                    identity: "first",
                    timing: timing,
                    logger: Cluster.logger
                )
                let second = LeaderElector(
                    client.resource(Lease.self, in: .named(namespace)),
                    name: "lock",
                    identity: "second",
                    timing: timing,
                    logger: Cluster.logger
                )
                let isLeading = Flag()
                let ended = try await withThrowingTaskGroup(of: Void.self) { group in
                    let (began, beginning) = AsyncStream<Void>.makeStream()
                    group.addTask {
                        try await first.run { leadership in
                            isLeading.isSet = true
                            defer { isLeading.isSet = false }
                            beginning.finish()
                            try leadership.check()
                            try await Task.sleep(for: .seconds(3600))
                        }
                    }
                    for await _ in began {}
                    proxy.goAway()
                    group.addTask {
                        try await second.run { leadership in
                            #expect(leadership.term == 1)
                            #expect(!isLeading.isSet, "two lead at a time")
                        }
                    }
                    let lost = await #expect(throws: LeadershipLost.self) { try await group.next() }
                    #expect(lost?.cause is KubeError || lost?.cause == nil)
                    try await group.waitForAll()
                    return true
                }
                #expect(ended)
                let lease = try await client.resource(Lease.self, in: .named(namespace)).get("lock")
                #expect(lease.spec.holderIdentity == "" && lease.spec.leaseTransitions == 1)
            }
        }
    }

    /// The lease goes on being renewed until the work has ended, and is released only then.
    @Test(.timeLimit(.minutes(3)))
    func aCancelledLeaderReleasesWhenItsWorkHasEnded() async throws {
        let timing = ElectionTiming(
            leaseDuration: .seconds(4),
            renewDeadline: .seconds(3),
            retryPeriod: .milliseconds(200)
        )
        try await Cluster.run { client, namespace in
            let leases = client.resource(Lease.self, in: .named(namespace))
            let elector = LeaderElector(leases, name: "lock", identity: "me", timing: timing, logger: Cluster.logger)
            let (began, beginning) = AsyncStream<Void>.makeStream()
            let (gate, opening) = AsyncStream<Void>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: CancellationError.self) {
                        try await elector.run { _ in
                            beginning.finish()
                            // Work that takes its time to end.
                            await Task { for await _ in gate {} }.value
                            try Task.checkCancellation()
                        }
                    }
                }
                for await _ in began {}
                group.cancelAll()
                let version = try await leases.get("lock").metadata.resourceVersion
                var renewals = 0
                for try await event in leases.watch(ListOptions(fields: .name("lock"), resourceVersion: version)) {
                    #expect(event.object.map { $0.spec.holderIdentity == "me" } ?? true)
                    renewals += event.object == nil ? 0 : 1
                    if renewals == 5 { break }
                }
                opening.finish()
                try await group.waitForAll()
            }
            #expect(try await leases.get("lock").spec.holderIdentity == "")
        }
    }

    /// The work asks for more than its limit allows, for much longer than the lease lasts.
    @Test(.timeLimit(.minutes(3)))
    func theWorksOwnRequestsDoNotHoldUpRenewals() async throws {
        let timing = ElectionTiming(
            leaseDuration: .seconds(4),
            renewDeadline: .seconds(3),
            retryPeriod: .milliseconds(300)
        )
        var configuration = try Cluster.configuration()
        configuration.rateLimit = RateLimit(requestsPerSecond: 1, burst: 1)
        let starved = configuration
        try await Cluster.run { other, namespace in
            try await withKubeClient(starved, logger: Cluster.logger) { client in
                let elector = LeaderElector(
                    client.resource(Lease.self, in: .named(namespace)),
                    name: "lock",
                    identity: "me",
                    timing: timing,
                    logger: Cluster.logger
                )
                let leases = other.resource(Lease.self, in: .named(namespace))
                try await elector.run { leadership in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<60 { group.addTask { _ = try await client.serverVersion() } }
                        let version = try await leases.get("lock").metadata.resourceVersion
                        var renewals = 0
                        for try await event in leases.watch(
                            ListOptions(fields: .name("lock"), resourceVersion: version)
                        ) {
                            #expect(event.object.map { $0.spec.holderIdentity == "me" } ?? true)
                            renewals += event.object == nil ? 0 : 1
                            if renewals == 20 { break }
                        }
                        try leadership.check()
                        group.cancelAll()
                    }
                }
                #expect(try await leases.get("lock").spec.holderIdentity == "")
            }
        }
    }

    /// One waits for the lease and one has it when both are told to shut down: both end without an error, and the lease is
    /// released.
    @Test(.timeLimit(.minutes(3)))
    func servicesShutDownGracefully() async throws {
        try await Cluster.run { client, namespace in
            let leases = client.resource(Lease.self, in: .named(namespace))
            func group(_ identity: String, _ work: @escaping @Sendable (Leadership) async throws -> Void)
                -> ServiceGroup
            {
                let elector = LeaderElector(leases, name: "lock", identity: identity, logger: Cluster.logger)
                return ServiceGroup(services: [LeaderService(elector, work: work)], logger: Cluster.logger)
            }
            let (began, beginning) = AsyncStream<Void>.makeStream()
            let ended = Flag()
            let first = group("first") { _ in
                beginning.finish()
                try await gracefulShutdown()
                ended.isSet = true
            }
            let second = group("second") { _ in Issue.record("two lead at a time") }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await first.run() }
                for await _ in began {}
                tasks.addTask { try await second.run() }
                await second.triggerGracefulShutdown()
                try await tasks.next()
                #expect(!ended.isSet)
                await first.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            #expect(ended.isSet)
            #expect(try await leases.get("lock").spec.holderIdentity == "")
        }
    }
}
