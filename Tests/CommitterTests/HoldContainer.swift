// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SnapshotEngine
import TestSupport
import Testing

/// The two containers of a Job's pod that pauses a pod: one that commits, and one that holds. They share a folder.
struct HoldContainer: Sendable {
    let pod: CommitterPod
    /// The snapshot's UID.
    let uid: String
    /// Where the holder listens.
    let socket: String

    init(_ pod: CommitterPod) throws {
        self.pod = pod
        uid = "snap-\(UInt64.random(in: 0 ... .max))"
        let folder = "\(pod.daemon.folder)/\(uid)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        socket = "\(folder)/hold.sock"
    }

    /// Runs the container that holds, until it ends by itself.
    ///
    /// - Parameters:
    ///   - options: More arguments.
    ///   - daemonSocket: containerd as it sees it.
    ///   - meanwhile: What to do while it runs, with its process ID.
    @discardableResult
    func run(
        _ options: [String] = [],
        daemonSocket: String? = nil,
        _ meanwhile: @Sendable (pid_t) async throws -> Void = { _ in }
    ) async throws -> CommitterProgram.Ending {
        var program = pod.program
        if let daemonSocket { program.environment["CONTAINERD_SOCKET"] = daemonSocket }
        return try await program.run(["hold", "--listen", socket] + options) { try await meanwhile($0.processID) }
    }

    /// The environment of the container that commits.
    ///
    /// - Parameter seconds: For how long the pod is held from now on.
    func environment(until seconds: Double = 600) -> [String: String] {
        [
            "STASIS_HOLD_SOCKET": socket, "STASIS_SNAPSHOT_UID": uid, "STASIS_POD_UID": pod.uid,
            "STASIS_FREEZE_UNTIL": Date(timeIntervalSinceNow: seconds)
                .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
        ]
    }

    /// Commits `main` and `side`.
    func commit(
        until seconds: Double = 600,
        _ more: [String: String] = [:],
        meanwhile: @Sendable (CommitterProgram.Running) async throws -> Void = { _ in }
    ) async throws -> CommitterProgram.Ending {
        var program = pod.program
        program.environment = environment(until: seconds).merging(more) { $1 }
        return try await program.run(
            [pod.name, "team", "main:\(pod.target)", "side:\(pod.sideTarget)"],
            meanwhile: meanwhile
        )
    }

    /// Commits, and expects that the pod is held then.
    func commitHeld(until seconds: Double = 600) async throws {
        let ending = try await commit(until: seconds)
        try #require(ending.exitStatus == 0, "\(ending.errors)")
        #expect(pod.areFrozen)
        #expect(try await ask(.status).state == .held)
    }

    /// Asks as the controller does, and expects an answer.
    func ask(_ control: FreezeControl) async throws -> FreezeStatus {
        try #require(try await askIfThere(control), "nobody answers to \(control)")
    }

    /// Asks as the controller does.
    ///
    /// - Returns: Nil if nobody can say.
    func askIfThere(_ control: FreezeControl) async throws -> FreezeStatus? {
        let ending = try await pod.program.run("freeze", control.rawValue, uid, "--socket", socket)
        if ending.exitStatus == 1 { return nil }
        try #require(ending.exitStatus == 0, "\(ending.errors)")
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        try #require(ending.lines.count == 1)
        return try decoder.decode(FreezeStatus.self, from: Data(ending.output.utf8))
    }

    /// Returns when somebody answers at the socket.
    func waitUntilListening() async throws {
        try await CommitterPod.eventually {
            try await pod.program.run("freeze", "status", "nobody", "--socket", socket).exitStatus == 0
        }
    }

    /// Looks until the pod runs again and nothing is written down; the freeze's deadline is far later.
    func waitUntilThawed() async throws {
        let limit = ContinuousClock.now + .seconds(120)
        try await CommitterPod.eventually {
            try #require(ContinuousClock.now < limit, "it is still frozen")
            let freezes = try await pod.freezes()
            return freezes.isEmpty && !pod.isAnyFrozen
        }
    }

    /// Expects that nothing of this is left.
    func expectNothingLeft() async throws {
        #expect(!pod.isAnyFrozen)
        #expect(try await pod.freezes().isEmpty)
        #expect(!FileManager.default.fileExists(atPath: socket))
    }
}
