// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import Synchronization
import TestSupport
import Testing

import struct Foundation.Date

@testable import KruiseRuntime

/// Clients of two servers that pause, resume, extend and kill one sandbox at once.
@Suite("Clients of Kruise sandboxes at once")
struct RaceTests {
    /// What a client asks for; each timeout is one that nobody else asks for.
    private enum Request: CustomStringConvertible {
        case pause, connect(Date), timeout(Date), kill

        var description: String {
            switch self {
            case .pause: "pause"
            case .connect(let date): "connect(\(date.timeIntervalSince1970))"
            case .timeout(let date): "timeout(\(date.timeIntervalSince1970))"
            case .kill: "kill"
            }
        }

        func send(_ id: String, to server: KruiseRuntime) async throws {
            switch self {
            case .pause: try await server.pause(id, keptFor: nil)
            case .connect(let date): _ = try await server.connect(id, until: date)
            case .timeout(let date): try await server.setTimeout(id, to: date, onlyIfLater: false)
            case .kill: try await server.delete(id)
            }
        }
    }

    private struct Sent {
        var request: Request
        /// Nil if it succeeded.
        var refusal: SandboxError.Code?
    }

    /// Sends some requests, each a while after the one before, and returns how they ended.
    private func send(_ requests: [(Request, Int)], _ id: String, to server: KruiseRuntime) async throws -> [Sent] {
        var sent: [Sent] = []
        for (request, turns) in requests {
            for _ in 0..<turns { await Task.yield() }
            do {
                try await request.send(id, to: server)
                sent.append(Sent(request: request))
            } catch let error as SandboxError {
                sent.append(Sent(request: request, refusal: error.code))
            }
        }
        return sent
    }

    /// In every interleaving each answer is true of some state that there was, a timeout never reaches a paused sandbox, and only a
    /// kill deletes.
    @Test func interleavings() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let history = History()
            let list = try await cluster.sandboxes.list()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let options = ListOptions(resourceVersion: list.metadata.resourceVersion)
                    for try await event in cluster.sandboxes.watch(options) { history.add(event) }
                }
                group.addTask {
                    var random = SeededGenerator(seed: 20_260_831)
                    for round in 0..<120 { try await play(round, cluster, history, &random) }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    private func play(
        _ round: Int,
        _ cluster: KruiseCluster,
        _ history: History,
        _ random: inout SeededGenerator
    ) async throws {
        let sandbox = try await cluster.create("plain", for: 5000)
        let start = Timestamp(Date()).date
        var count = 0.0
        func requests() -> [(Request, Int)] {
            (0..<3).map { _ in
                count += 1
                let date = start.addingTimeInterval(
                    Double.random(in: 1000...9000, using: &random).rounded() + count / 64
                )
                let request: Request =
                    switch Int.random(in: 0..<12, using: &random) {
                    case 0..<4: .pause
                    case 4..<8: .connect(date)
                    case 8..<11: .timeout(date)
                    default: .kill
                    }
                return (request, Int.random(in: 0..<30, using: &random))
            }
        }
        let (mine, theirs) = (requests(), requests())
        async let first = send(mine, sandbox.id, to: cluster.server)
        async let second = send(theirs, sandbox.id, to: cluster.other)
        let all = try await first + second
        let story = "round \(round): \(all.map { "\($0.request) \($0.refusal.map { "\($0)" } ?? "ok")" })"
        let name = String(sandbox.id.dropFirst(cluster.namespace.count + 2))
        let isKilled = all.contains { if case .kill = $0.request { $0.refusal == nil } else { false } }
        let last = try await cluster.sandboxes.find(name)?.metadata.resourceVersion.flatMap { UInt64($0) }
        let states = try await history.states(of: name, upTo: last ?? 0, untilGone: isKilled)
        #expect(states.last?.isGone == isKilled, "\(story)")
        check(all, states, story)
        if !isKilled { try await cluster.server.delete(sandbox.id) }
    }

    private func check(_ all: [Sent], _ states: [History.State], _ story: String) {
        let ends = states.compactMap(\.end)
        for sent in all {
            guard let refusal = sent.refusal else {
                switch sent.request {
                case .pause: #expect(states.contains { $0.isToPause }, "\(story)")
                case .connect(let date):
                    #expect(states.contains { !$0.isToPause && ($0.end ?? .distantPast) >= date }, "\(story)")
                case .timeout(let date): #expect(ends.contains(date), "\(story)")
                case .kill: break
                }
                continue
            }
            #expect([.invalidState, .notFound].contains(refusal), "\(story)")
            if refusal == .notFound { #expect(states.last?.isGone == true, "\(story)") }
        }
        for (before, now) in zip(states, states.dropFirst()) where !now.isGone {
            let isRetained = (now.end ?? .distantPast) > Date().addingTimeInterval(86_400 * 365)
            // Whatever pauses keeps it, and nothing ends it before it is resumed.
            if now.isToPause { #expect(isRetained, "\(story)") }
            if before.isToPause, !now.isToPause {
                #expect(before.isPaused && !isRetained, "\(story)")
            }
            // What runs keeps its time, or is given what somebody asked for.
            if !before.isToPause, !now.isToPause, before.end != now.end {
                let asked = all.contains { sent in
                    switch sent.request {
                    case .connect(let date), .timeout(let date): date == now.end
                    case .pause, .kill: false
                    }
                }
                #expect(asked, "\(story)")
            }
        }
    }

    /// Of requests both ways at once those win that go where it is not.
    @Test func bothWays() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            for round in 0..<12 {
                let id = try await cluster.create("plain").id
                let isPaused = round.isMultiple(of: 2)
                if isPaused {
                    try await cluster.server.pause(id, keptFor: nil)
                    _ = try await cluster.sandbox(id, in: .paused)
                }
                // Else the second of them might come when what the first one began is over.
                _ = try await cluster.server.patchMetadata(id, [PlayedController.fault: "hold"])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for place in 0..<4 {
                        group.addTask {
                            let server = place < 2 ? cluster.server : cluster.other
                            do {
                                if place.isMultiple(of: 2) {
                                    try await server.pause(id, keptFor: nil)
                                } else {
                                    _ = try await server.connect(id, until: Date().addingTimeInterval(600))
                                }
                            } catch let error as SandboxError where error.code == .invalidState {
                                // It is going the other way.
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let object = try await cluster.object(id)
                #expect(object.spec.paused == !isPaused, "round \(round)")
            }
        }
    }
}

/// Every state of every sandbox, as the API server tells.
private final class History: Sendable {
    struct State: Equatable {
        var isToPause: Bool
        var isPaused: Bool
        var end: Date?
        var version: UInt64
        var isGone = false
    }

    private struct Contents {
        var states: [String: [State]] = [:]
        var waiting: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var last: UInt64 = 0
    }

    private let contents = Mutex(Contents())

    func add(_ event: WatchEvent<KruiseSandbox>) {
        let (object, isGone): (KruiseSandbox, Bool)
        switch event {
        case .added(let new), .modified(let new): (object, isGone) = (new, false)
        case .deleted(let old): (object, isGone) = (old, true)
        case .bookmark: return
        }
        let state = State(
            isToPause: object.spec.paused == true,
            isPaused: object.isFullyPaused,
            end: object.spec.shutdownTime?.date,
            version: object.metadata.resourceVersion.flatMap { UInt64($0) } ?? 0,
            isGone: isGone
        )
        let waiting = contents.withLock { contents in
            contents.states[object.metadata.name, default: []].append(state)
            return Array(contents.waiting.values)
        }
        for continuation in waiting { continuation.yield() }
    }

    /// The states of a sandbox when it has come to rest, not before a version.
    func states(of name: String, upTo version: UInt64, untilGone: Bool) async throws -> [State] {
        let news = AsyncStream<Void>(bufferingPolicy: .bufferingNewest(1)) { continuation in
            contents.withLock { contents in
                contents.last += 1
                contents.waiting[contents.last] = continuation
                continuation.yield()
            }
        }
        for await _ in news {
            let states = contents.withLock { $0.states[name] ?? [] }
            guard let last = states.last, last.version >= version else { continue }
            if untilGone ? last.isGone : last.isToPause == last.isPaused { return states }
        }
        throw CancellationError()
    }
}
