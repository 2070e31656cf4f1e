// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SandboxModels
import SnapshotEngine
import TestSupport
import Testing

/// One sandbox's life, from its creation to its deletion, in which the server is killed at chosen moments.
///
/// After each kill the server is started again and what is true then is compared with what may be; then the operation is
/// finished and must work.
struct CrashWalk: Sendable {
    /// What a server can be killed in.
    enum Operation: String, CaseIterable, Sendable {
        case create, pause, resume, snapshot, deleteSnapshot, delete
    }

    /// What one life came to.
    struct Tally {
        /// Points at which the server was killed.
        var killed = 0
        /// Points that did not come this time: there were fewer events than in the life that was recorded.
        var missed = 0
        /// Kills while the server recovered from a kill.
        var killedAgain = 0
    }

    let testbed: Testbed
    let points: CrashPoints
    /// A sandbox that nothing is asked of.
    let bystander: String
    let bystanderProcess: ProcessIdentity

    /// Sets the bystander up.
    init(_ testbed: Testbed) async throws {
        self.testbed = testbed
        guard let points = testbed.points else { throw Testbed.Failure("the server runs without crash points") }
        self.points = points
        bystander = try await testbed.api.create(image: testbed.image).id
        try await testbed.write(["/file-b": "by"], in: bystander)
        bystanderProcess = try await testbed.process(of: bystander)
    }

    // MARK: - A life

    /// Counts the events of each operation in a life without a kill.
    func record() async throws -> [Operation: [CrashPoints.Domain: UInt64]] {
        let counts = Box<[Operation: [CrashPoints.Domain: UInt64]]>([:])
        try await live { operation, body in
            let known = try points.events().count
            try points.record(.all)
            try await body()
            try await quiet()
            try points.disarm()
            for event in try points.events().dropFirst(known) {
                counts.value[operation, default: [:]][event.domain, default: 0] += 1
            }
        }
        return counts.value
    }

    /// What closures change.
    private final class Box<Value> {
        var value: Value
        init(_ value: Value) { self.value = value }
    }

    /// Lives one life, killing the server at one point of each operation that has one left.
    ///
    /// - Parameters:
    ///   - plan: The points of each operation.
    ///   - again: The request to containerd at which the server that recovers is killed, too; nil for none.
    func live(killedAt plan: [Operation: CrashPoints.Point], again: UInt64?, tally: inout Tally) async throws {
        let counter = Box(tally)
        try await live { operation, body in
            guard let point = plan[operation] else { return try await body() }
            do {
                try points.arm(point)
                do {
                    try await body()
                    try await quiet()
                } catch {
                    // When it dies, nobody answers.
                    guard try await hasDied() else { throw error }
                }
                guard try await hasDied() else {
                    counter.value.missed += 1
                    return try points.disarm()
                }
                counter.value.killed += 1
                // A holder is followed by another one when there is something to hold.
                if points.role != "server" { return try points.disarm() }
                try await restart(again: again, counter)
            } catch {
                throw Testbed.Failure("\(operation) killed \(point): \(error)")
            }
        }
        tally = counter.value
    }

    /// Whether the server was killed at its point; waits until it is gone for good then.
    private func hasDied() async throws -> Bool {
        guard points.hasHit else { return false }
        if points.role == "server" { _ = try await testbed.server.end() }
        return true
    }

    private func restart(again: UInt64?, _ counter: Box<Tally>) async throws {
        try points.disarm()
        if let again {
            try points.arm(CrashPoints.Point(domain: .request, number: again))
            try testbed.startServer()
            do {
                try await testbed.waitUntilServing()
                try await quiet()
            } catch {
                guard points.hasHit else { throw error }
            }
            let isDead = try await hasDied()
            try points.disarm()
            guard isDead else { return }
            counter.value.killedAgain += 1
        }
        try await testbed.start()
    }

    /// Waits until the server does nothing of its own accord any more, or is dead.
    private func quiet() async throws {
        let server = try testbed.server
        var (last, unchanged) = (points.count, 0)
        while unchanged < 15, server.isAlive {
            try await Task.sleep(for: .milliseconds(10))
            unchanged = points.count == last ? unchanged + 1 : 0
            last = points.count
        }
    }

    /// Goes through the operations with one sandbox, giving each to `perform` and then checking what became of it.
    private func live(
        _ perform: (Operation, () async throws -> Void) async throws -> Void
    ) async throws {
        let api = testbed.api
        let before = Set(try await api.sandboxes().map(\.id))
        try await perform(.create) { _ = try await api.create(image: testbed.image) }
        let id = try await created(besides: before)
        try await check("after create")

        let files = ["/file1": "one", "/file2": "two"]
        try await testbed.write(files.mapValues { $0 }, in: id)
        let process = try await testbed.process(of: id)
        try await perform(.pause) {
            try await api.pause(id)
            _ = try await api.settled(id)
        }
        let artifact = try await paused(id, files, process)
        try await check("after pause")

        try await perform(.resume) {
            try await api.resume(id)
            _ = try await api.settled(id)
        }
        try await resumed(id, files, artifact)
        try await check("after resume")

        let second = try await testbed.process(of: id)
        try await perform(.snapshot) { _ = try await api.settledSnapshot(api.takeSnapshot(of: id).id) }
        let snapshot = try await taken(of: id, files, second)
        try await check("after snapshot")

        try await perform(.deleteSnapshot) { try await api.deleteSnapshot(snapshot) }
        try await deletedSnapshot(snapshot)
        try await check("after the deletion of a snapshot")
        #expect(try await testbed.process(of: id) == second)

        try await perform(.delete) { try await api.delete(id) }
        try await deleted(id)
        try await check("after delete")
    }

    /// What must be true after every operation.
    private func check(_ when: String) async throws {
        try await testbed.expectConsistent(when)
        #expect(try await testbed.process(of: bystander) == bystanderProcess, "\(when)")
        try await testbed.expectFiles(["/file-b": "by"], in: bystander, "\(when)")
    }

    // MARK: - What may be true, and finishing

    /// The new sandbox; created again if that never happened.
    private func created(besides before: Set<String>) async throws -> String {
        let api = testbed.api
        let new = try await api.sandboxes().map(\.id).filter { !before.contains($0) }
        guard let id = new.first else { return try await api.create(image: testbed.image).id }
        #expect(new.count == 1)
        let settled = try await api.settled(id)
        #expect(settled?.status.state == "Running", "a creation that was cut off gave \(String(describing: settled))")
        return id
    }

    /// Either it runs, never restarted, or it is paused; paused in the end.
    private func paused(_ id: String, _ files: [String: String], _ process: ProcessIdentity) async throws -> Artifact {
        let api = testbed.api
        var state = try await api.settled(id)
        if state?.status.state == "Running" {
            #expect(try await testbed.process(of: id) == process)
            try await testbed.expectFiles(files, in: id)
            try await api.pause(id)
            state = try await api.settled(id)
        }
        guard let state, state.status.state == "Paused", let artifact = state.artifact else {
            throw Testbed.Failure("a sandbox whose pause was cut off is \(String(describing: state))")
        }
        return artifact
    }

    /// Either it runs or it is paused with the same artifact; running in the end.
    private func resumed(_ id: String, _ files: [String: String], _ artifact: Artifact) async throws {
        let api = testbed.api
        var state = try await api.settled(id)
        if state?.status.state == "Paused" {
            #expect(state?.artifact == artifact)
            try await api.resume(id)
            state = try await api.settled(id)
        }
        #expect(state?.status.state == "Running", "a sandbox whose resume was cut off is \(String(describing: state))")
        try await testbed.expectFiles(files, in: id)
    }

    /// None, one that failed, or one that is ready; ready in the end, and the sandbox was never restarted.
    private func taken(of id: String, _ files: [String: String], _ process: ProcessIdentity) async throws -> String {
        let api = testbed.api
        #expect(try await testbed.process(of: id) == process)
        try await testbed.expectFiles(files, in: id)
        for snapshot in try await api.snapshots() where snapshot.sandboxId == id {
            let settled = try await api.settledSnapshot(snapshot.id)
            if settled.status.state == "Ready" { return snapshot.id }
            #expect(settled.status.state == "Failed")
            #expect(settled.status.message?.isEmpty == false)
            try await api.deleteSnapshot(snapshot.id)
        }
        let snapshot = try await api.settledSnapshot(api.takeSnapshot(of: id).id)
        #expect(snapshot.status.state == "Ready", "\(snapshot.status)")
        return snapshot.id
    }

    private func deletedSnapshot(_ id: String) async throws {
        if try await testbed.api.snapshots().contains(where: { $0.id == id }) {
            try await testbed.api.deleteSnapshot(id)
        }
        #expect(try await !testbed.api.snapshots().contains { $0.id == id })
    }

    private func deleted(_ id: String) async throws {
        let api = testbed.api
        if let state = try await api.settled(id) {
            #expect(state.status.state == "Running")
            try await api.delete(id)
        }
        #expect(try await api.settled(id) == nil)
    }
}
