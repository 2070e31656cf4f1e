// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SnapshotEngine
import TestSupport
import Testing

/// containerd goes away and comes back. Sandboxes do not mind; the server has to wait. It needs root.
@Suite("A containerd that goes and comes back", .serialized)
struct ContainerdOutageTests {
    /// What the server is doing when containerd goes.
    enum Work: String, CaseIterable, Sendable {
        case create, pause, resume, snapshot, delete
    }

    @Test("in the middle of an operation", arguments: Work.allCases)
    func middle(work: Work) async throws {
        let daemon = try await ContainerdDaemon.start()
        do {
            try await Testbed.with(daemon: daemon) { testbed in
                try await testbed.start()
                let before = try await testbed.baseline()
                let bystander = try await testbed.api.create(image: testbed.image).id
                let process = try await testbed.process(of: bystander)
                // Early, in the middle and late in the operation, by requests to containerd.
                for request in [2, 9, 16] as [UInt64] {
                    try await interrupt(work, afterRequests: request, testbed)
                    #expect(try await testbed.process(of: bystander) == process)
                }
                try await testbed.api.delete(bystander)
                try await testbed.expectConsistent()
                try await MachineState.expect(before, on: testbed)
            }
        } catch {
            await daemon.stop()
            throw error
        }
        await daemon.stop()
    }

    /// Begins something, takes containerd away, looks what the server says, brings it back, and goes on.
    private func interrupt(_ work: Work, afterRequests request: UInt64, _ testbed: Testbed) async throws {
        let api = testbed.api
        guard let points = testbed.points else { return }
        let id = try await api.create(image: testbed.image).id
        try await testbed.write(["/file": "kept"], in: id)
        if work == .resume {
            try await api.pause(id)
            _ = try await api.settled(id)
        }
        let known = Set(try await api.sandboxes().map(\.id))

        try points.record(.request)
        async let answer: Void = begin(work, id, testbed)
        // The operation may be over before it has made so many requests.
        let deadline = ContinuousClock.now + .seconds(10)
        while points.count < request, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(1)) }
        try await testbed.daemon.kill()
        try points.disarm()

        // Whatever it answers to the operation, it goes on answering.
        _ = try await api.sandboxes()
        let refusal = await #expect(throws: RuntimeAPI.Refusal.self) { try await api.create(image: testbed.image) }
        #expect((refusal?.status ?? 0) >= 500)
        #expect(refusal?.message.contains("containerd") == true, "\(String(describing: refusal))")

        try await testbed.daemon.startAgain()
        do {
            try await answer
        } catch let error as RuntimeAPI.Refusal {
            #expect(!error.message.isEmpty)
        }
        for sandbox in try await api.sandboxes() where !known.contains(sandbox.id) {
            _ = try await api.settled(sandbox.id)
            try await api.delete(sandbox.id)
        }
        try await finish(work, id, testbed)
    }

    private func begin(_ work: Work, _ id: String, _ testbed: Testbed) async throws {
        switch work {
        case .create: _ = try await testbed.api.create(image: testbed.image)
        case .pause: try await testbed.api.pause(id)
        case .resume: try await testbed.api.resume(id)
        case .snapshot: _ = try await testbed.api.takeSnapshot(of: id)
        case .delete: try await testbed.api.delete(id)
        }
    }

    /// Waits for what becomes of it, does it again if nothing did, and deletes everything.
    private func finish(_ work: Work, _ id: String, _ testbed: Testbed) async throws {
        let api = testbed.api
        var state = try await api.settled(id)
        if work == .delete {
            if state != nil { try await api.delete(id) }
            #expect(try await api.settled(id) == nil)
            return try await testbed.expectConsistent("after \(work)")
        }
        if work == .pause, state?.status.state == "Running" {
            #expect(state?.status.message?.isEmpty == false)
            try await api.pause(id)
            state = try await api.settled(id)
            #expect(state?.status.state == "Paused", "\(String(describing: state))")
        }
        if state?.status.state == "Paused" {
            try await api.resume(id)
            state = try await api.settled(id)
        }
        #expect(state?.status.state == "Running", "\(work): \(String(describing: state))")
        for snapshot in try await api.snapshots() {
            let settled = try await api.settledSnapshot(snapshot.id)
            if settled.status.state != "Ready" { #expect(settled.status.message?.isEmpty == false) }
            try await api.deleteSnapshot(snapshot.id)
        }
        try await testbed.expectFiles(["/file": "kept"], in: id)
        if work == .snapshot {
            let again = try await api.settledSnapshot(api.takeSnapshot(of: id).id)
            #expect(again.status.state == "Ready", "\(again.status)")
            try await api.deleteSnapshot(again.id)
        }
        try await testbed.expectConsistent("after \(work)")
        try await api.delete(id)
        try await testbed.expectConsistent("after \(work) and the end")
    }

    @Test("while nothing is done, and before the server starts")
    func idle() async throws {
        let daemon = try await ContainerdDaemon.start()
        do {
            try await Testbed.with(daemon: daemon, role: nil) { testbed in
                try await testbed.start()
                let before = try await testbed.baseline()
                let id = try await testbed.api.create(image: testbed.image).id
                try await testbed.write(["/file": "kept"], in: id)
                let process = try await testbed.process(of: id)

                try await daemon.kill()
                #expect(try await testbed.api.sandbox(id).status.state == "Running")
                try await daemon.startAgain()
                #expect(try await testbed.process(of: id) == process)
                // Ends are noticed as before.
                let second = try await testbed.api.create(image: testbed.image).id
                try await testbed.client.killTask(testbed.container(of: second), signal: 9, all: true)
                _ = try await Patience().until("the end is seen") {
                    try await testbed.api.sandbox(second).status.state == "Failed" ? true : nil
                }
                try await testbed.api.delete(second)

                await testbed.stop()
                try await daemon.kill()
                let server = try testbed.startServer()
                let refusal: RuntimeAPI.Refusal = try await Patience().until("it says why it does not serve") {
                    do {
                        _ = try await testbed.api.sandboxes()
                        return nil
                    } catch let refusal as RuntimeAPI.Refusal {
                        return refusal
                    } catch {
                        guard server.isAlive else { throw Testbed.Failure("it ended: \(testbed.endOfLog)") }
                        return nil
                    }
                }
                #expect(refusal.status >= 500)
                #expect(refusal.message.contains("containerd"), "\(refusal)")
                try await daemon.startAgain()
                try await testbed.waitUntilServing()
                #expect(try await testbed.process(of: id) == process)
                try await testbed.expectFiles(["/file": "kept"], in: id)
                try await testbed.api.delete(id)
                try await testbed.expectConsistent()
                try await MachineState.expect(before, on: testbed)
            }
        } catch {
            await daemon.stop()
            throw error
        }
        await daemon.stop()
    }
}
