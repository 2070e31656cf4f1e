// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport
import Testing

/// A history of random operations, in rounds of a few at once, each about a sandbox or a snapshot of its own; and what
/// must be true after each round.
struct RandomHistory {
    /// A sandbox as it must be.
    struct ModelSandbox: Sendable {
        var isPaused = false
        var files: [String: String] = [:]
        var process: ProcessIdentity?
    }

    /// One thing to do.
    enum Operation: Sendable {
        case create
        case write(sandbox: String, path: String, text: String?)
        case pause(sandbox: String)
        case resume(sandbox: String)
        case delete(sandbox: String)
        case snapshot(sandbox: String)
        case fork(snapshot: String)
        case deleteSnapshot(snapshot: String)

        var kind: String { String("\(self)".prefix { $0 != "(" }) }

        /// What it is about: nothing else of the round is.
        var subject: String? {
            switch self {
            case .create: nil
            case .write(let id, _, _), .pause(let id), .resume(let id), .delete(let id), .snapshot(let id),
                .fork(let id), .deleteSnapshot(let id):
                id
            }
        }
    }

    /// What is killed in the middle of a round.
    enum Victim: String, Sendable {
        case server, holder
    }

    private let testbed: Testbed
    private var random: SeededRandom
    private var sandboxes: [String: ModelSandbox] = [:]
    /// The files of each snapshot.
    private var snapshots: [String: [String: String]] = [:]
    private(set) var operations = 0
    private(set) var counts: [String: Int] = [:]
    private(set) var times: [String: Duration] = [:]

    private static let mostSandboxes = 6
    private static let mostSnapshots = 4
    private static let atOnce = 3

    init(_ testbed: Testbed, seed: UInt64) {
        self.testbed = testbed
        random = SeededRandom(seed)
    }

    // MARK: - Rounds

    /// Does a few random things at once, in every eighth round with a kill in the middle, and checks everything.
    mutating func round() async throws {
        let chosen = choose()
        let kill = Int.random(in: 0..<8, using: &random) == 0
        let delay = Duration.milliseconds(Int.random(in: 0...600, using: &random))
        let hasHolder = try testbed.server.holder != nil
        let victim: Victim = Bool.random(using: &random) && hasHolder ? .holder : .server
        let testbed = testbed
        let outcomes = await withTaskGroup(of: (Operation, Duration, Result<String?, any Error>).self) { group in
            for operation in chosen {
                group.addTask {
                    let start = ContinuousClock.now
                    do {
                        let made = try await Self.perform(operation, testbed)
                        return (operation, ContinuousClock.now - start, .success(made))
                    } catch {
                        return (operation, ContinuousClock.now - start, .failure(error))
                    }
                }
            }
            if kill {
                // At a moment that chance has chosen: what is going on then is different each time.
                try? await Task.sleep(for: delay)
                await Self.kill(victim, testbed)
            }
            var outcomes: [(Operation, Duration, Result<String?, any Error>)] = []
            for await outcome in group { outcomes.append(outcome) }
            return outcomes
        }
        operations += chosen.count
        for (operation, time, _) in outcomes {
            counts[operation.kind, default: 0] += 1
            times[operation.kind, default: .zero] += time
        }
        if kill {
            operations += 1
            counts["kill \(victim.rawValue)", default: 0] += 1
            if try !testbed.server.isAlive { try await testbed.start() }
            try await reconcile(chosen)
        } else {
            for (operation, _, result) in outcomes { try await apply(operation, made: result.get()) }
        }
        try await compare()
    }

    /// Deletes everything, and waits until the server knows of nothing.
    mutating func deleteEverything() async throws {
        for id in snapshots.keys { try await testbed.api.deleteSnapshot(id) }
        for id in sandboxes.keys { try await testbed.api.delete(id) }
        snapshots = [:]
        sandboxes = [:]
        try await testbed.expectConsistent()
    }

    private mutating func choose() -> [Operation] {
        var chosen: [Operation] = []
        var taken: Set<String> = []
        while chosen.count < Self.atOnce {
            let operation = candidate()
            guard let operation, operation.subject.map({ !taken.contains($0) }) ?? true else { continue }
            if let subject = operation.subject { taken.insert(subject) }
            chosen.append(operation)
        }
        return chosen
    }

    private mutating func candidate() -> Operation? {
        let running = sandboxes.filter { !$0.value.isPaused }.keys.sorted().randomElement(using: &random)
        let paused = sandboxes.filter(\.value.isPaused).keys.sorted().randomElement(using: &random)
        let snapshot = snapshots.keys.sorted().randomElement(using: &random)
        let hasRoom = sandboxes.count < Self.mostSandboxes
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<10: return hasRoom ? .create : nil
        case 10..<40:
            let path = "/file\(Int.random(in: 0..<8, using: &random))"
            let text = String((0..<Int.random(in: 1...200, using: &random)).map { _ in Self.letter(&random) })
            let isDeletion = Int.random(in: 0..<6, using: &random) == 0
            return running.map { .write(sandbox: $0, path: path, text: isDeletion ? nil : text) }
        case 40..<55: return running.map { .pause(sandbox: $0) }
        case 55..<70: return paused.map { .resume(sandbox: $0) }
        case 70..<78: return snapshots.count < Self.mostSnapshots ? running.map { .snapshot(sandbox: $0) } : nil
        case 78..<86: return hasRoom ? snapshot.map { .fork(snapshot: $0) } : nil
        case 86..<93:
            let any = sandboxes.keys.sorted().randomElement(using: &random)
            return sandboxes.count > 2 ? any.map { .delete(sandbox: $0) } : nil
        default: return snapshot.map { .deleteSnapshot(snapshot: $0) }
        }
    }

    private static func letter(_ random: inout SeededRandom) -> Character {
        "abcdefghijklmnopqrstuvwxyz0123456789".randomElement(using: &random) ?? "a"
    }

    // MARK: - Doing

    /// Does it, and gives the identity of what it made.
    private static func perform(_ operation: Operation, _ testbed: Testbed) async throws -> String? {
        let api = testbed.api
        switch operation {
        case .create: return try await api.create(image: testbed.image).id
        case .fork(let id): return try await api.create(snapshot: id).id
        case .write(let id, let path, let text):
            try await testbed.write([path: text], in: id)
        case .pause(let id):
            try await api.pause(id)
            let end = try await api.settled(id)
            guard end?.status.state == "Paused" else { throw Testbed.Failure("not paused: \(String(describing: end))") }
        case .resume(let id):
            try await api.resume(id)
            let end = try await api.settled(id)
            guard end?.status.state == "Running" else {
                throw Testbed.Failure("not resumed: \(String(describing: end))")
            }
        case .delete(let id):
            try await api.delete(id)
            guard try await api.settled(id) == nil else { throw Testbed.Failure("\(id) is still there") }
        case .snapshot(let id):
            let end = try await api.settledSnapshot(api.takeSnapshot(of: id).id)
            guard end.status.state == "Ready" else { throw Testbed.Failure("a snapshot ended as \(end)") }
            return end.id
        case .deleteSnapshot(let id):
            try await api.deleteSnapshot(id)
        }
        return nil
    }

    private static func kill(_ victim: Victim, _ testbed: Testbed) async {
        guard let server = try? testbed.server else { return }
        switch victim {
        case .server: await server.killAndWait()
        case .holder: if let holder = server.holder { Glibc.kill(holder, SIGKILL) }
        }
    }

    // MARK: - The model

    private mutating func apply(_ operation: Operation, made: String?) async throws {
        switch operation {
        case .create: if let made { try await add(made, files: [:]) }
        case .fork(let id): if let made { try await add(made, files: snapshots[id] ?? [:]) }
        case .write(let id, let path, let text): sandboxes[id]?.files[path] = text
        case .pause(let id): markPaused(id)
        case .resume(let id): try await markRunning(id)
        case .delete(let id): sandboxes[id] = nil
        case .snapshot(let id): if let made { snapshots[made] = sandboxes[id]?.files }
        case .deleteSnapshot(let id): snapshots[id] = nil
        }
    }

    private mutating func add(_ id: String, files: [String: String]) async throws {
        sandboxes[id] = ModelSandbox(files: files, process: try await testbed.process(of: id))
    }

    private mutating func markPaused(_ id: String) {
        sandboxes[id]?.isPaused = true
        sandboxes[id]?.process = nil
    }

    private mutating func markRunning(_ id: String) async throws {
        sandboxes[id]?.isPaused = false
        sandboxes[id]?.process = try await testbed.process(of: id)
    }

    /// After a kill, each thing that was going on may have happened or not: takes over what is true, if it may be.
    private mutating func reconcile(_ inFlight: [Operation]) async throws {
        let api = testbed.api
        for sandbox in try await api.sandboxes() {
            guard try await api.settled(sandbox.id) != nil else { continue }
        }
        for snapshot in try await api.snapshots() { _ = try await api.settledSnapshot(snapshot.id) }
        let found = Dictionary(try await api.sandboxes().map { ($0.id, $0) }) { first, _ in first }
        let foundSnapshots = Dictionary(try await api.snapshots().map { ($0.id, $0) }) { first, _ in first }

        for operation in inFlight {
            switch operation {
            case .create, .fork: break
            case .write(let id, let path, let text): sandboxes[id]?.files[path] = text
            case .pause(let id):
                if found[id]?.status.state == "Paused" { markPaused(id) }
            case .resume(let id):
                if found[id]?.status.state == "Running" { try await markRunning(id) }
            case .delete(let id):
                if found[id] == nil { sandboxes[id] = nil }
            case .snapshot(let id):
                for new in foundSnapshots.values where snapshots[new.id] == nil && new.sandboxId == id {
                    if new.status.state == "Ready" {
                        snapshots[new.id] = sandboxes[id]?.files
                    } else {
                        #expect(new.status.state == "Failed")
                        try await api.deleteSnapshot(new.id)
                    }
                }
            case .deleteSnapshot(let id):
                if foundSnapshots[id] == nil { snapshots[id] = nil }
            }
        }
        var mayBeNew = inFlight.filter { ["create", "fork"].contains($0.kind) }
        for new in found.values where sandboxes[new.id] == nil {
            let origin = mayBeNew.firstIndex { $0.subject == new.snapshotId }
            guard let origin else { throw Testbed.Failure("nobody asked for \(new)") }
            mayBeNew.remove(at: origin)
            try await add(new.id, files: new.snapshotId.flatMap { snapshots[$0] } ?? [:])
        }
    }

    /// Checks that the server and the machine have what the model has.
    private func compare() async throws {
        let found = try await testbed.api.sandboxes().filter { $0.status.state != "Terminated" }
        let states = Dictionary(found.map { ($0.id, $0.status.state) }) { first, _ in first }
        #expect(states == sandboxes.mapValues { $0.isPaused ? "Paused" : "Running" })
        let ready = try await testbed.api.snapshots().filter { $0.status.state == "Ready" }.map(\.id)
        #expect(Set(ready) == Set(snapshots.keys))
        for (id, sandbox) in sandboxes where !sandbox.isPaused {
            try await testbed.expectFiles(sandbox.files, in: id)
            #expect(try await testbed.process(of: id) == sandbox.process)
        }
    }
}
