// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import NIOCore
import SnapshotEngine
import Synchronization
import TestSupport
import Testing

/// The container that commits, or the one that holds, is killed or told to end at what it says to containerd, to the registry
/// and to the holder. By default a sample is walked; with `STASIS_CRASH_WALK=full` all of it.
@Suite("A hold of which a part ends")
struct HoldCrashTests {
    private static var isFull: Bool { ProcessInfo.processInfo.environment["STASIS_CRASH_WALK"] == "full" }

    /// When what happens.
    private struct Point: CustomStringConvertible {
        var step: Int
        var isAfter: Bool
        var signal: CInt

        var description: String { "signal \(signal) \(isAfter ? "after" : "before") step \(step)" }
    }

    // MARK: - The one that commits

    @Test("thaws at once if what commits is killed before it has succeeded, and holds on if it is killed later")
    func commitKilled() async throws {
        try await CommitterPod.with(megabytes: 20) { pod in
            let steps = Steps()
            let isKept = Mutex(false)
            let port = pod.holding.authority.split(separator: ":").last.flatMap { Int($0) } ?? 0
            let containerd = "\(pod.daemon.folder)/walk-\(pod.name).sock"
            try await SteppingProxy.run(
                before: .socket(pod.daemon.socket),
                at: .socket(containerd),
                steps: steps,
                isStep: { $0.readableBytes > 26 }
            ) { _ in
                try await SteppingProxy.run(before: .port(port), at: .port(0), steps: steps, isStep: { _ in true }) {
                    registry in
                    /// Commits and tells the stage of each step; `plan` may kill it.
                    let commit = {
                        @Sendable (hold: HoldContainer, plan: Point?) -> (CommitterProgram.Ending, [CaptureStage]) in
                        let stages = Mutex<[CaptureStage]>([])
                        let running = Mutex<CommitterProgram.Running?>(nil)
                        let between = "\(hold.socket).walk"
                        isKept.withLock { $0 = false }
                        let ending = try await SteppingProxy.run(
                            before: .socket(hold.socket),
                            at: .socket(between),
                            steps: steps,
                            isStep: { bytes in
                                let text = String(buffer: bytes)
                                if text.contains("\"keep\"") { isKept.withLock { $0 = true } }
                                return !text.contains("\"ping\"")
                            }
                        ) { _ in
                            let kill = { @Sendable in
                                guard let process = running.withLock({ $0 })?.processID else { return }
                                _ = Glibc.kill(process, SIGKILL)
                            }
                            steps.begin(
                                plan.map { Steps.Plan(at: $0.step, isAfter: $0.isAfter) { kill() } },
                                seen: { _ in
                                    let stage = running.withLock { $0?.stage } ?? .preparing
                                    stages.withLock { $0.append(stage) }
                                }
                            )
                            var program = pod.program
                            program.environment = hold.environment()
                            program.environment["STASIS_HOLD_SOCKET"] = between
                            program.environment["CONTAINERD_SOCKET"] = containerd
                            let authority = "127.0.0.1:\(registry)"
                            return try await program.run(
                                pod.name,
                                "team",
                                "main:\(authority)/team/\(pod.name):\(hold.uid)",
                                "--base",
                                "main=\(authority)/team/base:1"
                            ) { program in running.withLock { $0 = program } }
                        }
                        steps.begin()
                        return (ending, stages.withLock { $0 })
                    }

                    var recorded: [CaptureStage] = []
                    let all: Set<CaptureStage> = [
                        .preparing, .copyingEarly, .freezing, .copying, .committing, .verifying,
                    ]
                    // A stage is told by one way and a step by another, so a short one may be missed.
                    for _ in 0..<10 where !all.isSubset(of: recorded) {
                        let hold = try HoldContainer(pod)
                        let stages = Mutex<[CaptureStage]>([])
                        try await hold.run { _ in
                            try await hold.waitUntilListening()
                            let (ending, seen) = try await commit(hold, nil)
                            #expect(ending.exitStatus == 0, "\(ending.errors)")
                            stages.withLock { $0 = seen }
                            _ = try await hold.ask(.thaw)
                        }
                        recorded = stages.withLock { $0 }
                    }
                    #expect(all.isSubset(of: recorded), "\(Set(recorded))")

                    let killed = Mutex<[CaptureStage: Int]>([:])
                    for point in Self.points(recorded, signal: SIGKILL) {
                        let hold = try HoldContainer(pod)
                        let ending = try await hold.run { holder in
                            try await hold.waitUntilListening()
                            let (ending, seen) = try await commit(hold, point)
                            if ending.exitStatus == nil {
                                killed.withLock { $0[seen.last ?? .preparing, default: 0] += 1 }
                            }
                            if isKept.withLock({ $0 }) {
                                // It may have been killed before that was understood.
                                if let status = try await hold.askIfThere(.thaw) {
                                    #expect(status.state == .thawed, "\(point)")
                                }
                            } else {
                                // Nobody tells the holder anything.
                                try await hold.waitUntilThawed()
                                // It waits for another commit if none has frozen anything.
                                Glibc.kill(holder, SIGTERM)
                            }
                        }
                        #expect(ending.exitStatus == 0, "\(point): \(ending.errors)")
                        try await hold.expectNothingLeft()
                    }
                    let counts = killed.withLock { $0 }
                    print(
                        "hold walk, commit killed: \(recorded.count) steps; \(counts.map { "\($0.key) \($0.value)" })"
                    )
                    // How many steps there are is not the same every time: the last ones may not be reached.
                    #expect(counts.count >= 4, "\(counts)")
                }
            }
        }
    }

    /// Some of every stage, or everything.
    private static func points(_ stages: [CaptureStage], signal: CInt) -> [Point] {
        var random = SeededRandom(0xBEEF)
        guard !isFull else {
            return stages.indices.map { Point(step: $0 + 1, isAfter: $0 % 2 == 0, signal: signal) }
        }
        var points: [Point] = []
        for stage in CaptureStage.allCases {
            guard let step = stages.indices.filter({ stages[$0] == stage }).randomElement(using: &random) else {
                continue
            }
            points.append(Point(step: step + 1, isAfter: Bool.random(using: &random), signal: signal))
        }
        // The last one is what it says to the holder.
        return points + [
            Point(step: stages.count, isAfter: false, signal: signal),
            Point(step: stages.count, isAfter: true, signal: signal),
        ]
    }

    // MARK: - The one that holds

    @Test(
        "killed at any step and started again, the holder thaws what was not sealed and keeps what was; told to end, too",
        arguments: [SIGKILL, SIGTERM]
    )
    func holderEnds(signal: CInt) async throws {
        let count = Mutex(0)
        try await withWalk { pod, steps, containerd in
            let hold = try HoldContainer(pod)
            let ending = try await hold.run(daemonSocket: containerd) { _ in
                steps.begin()
                try await hold.commitHeld()
                #expect(try await hold.ask(.seal).state == .sealed)
                count.withLock { $0 = steps.count }
                #expect(try await hold.ask(.kill).state == .killed)
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
        }
        let steps = count.withLock { $0 }
        #expect(steps > 10)

        var random = SeededRandom(0xFEED)
        var numbers = Array(1...steps)
        if !Self.isFull {
            // What was sealed costs a pod each: the last ones are fewer.
            numbers = Array(numbers.shuffled(using: &random).prefix(8)) + [steps - 1, steps]
        }
        let sealed = Mutex(0)
        var points = numbers.map { Point(step: $0, isAfter: Bool.random(using: &random), signal: signal) }
        while !points.isEmpty {
            try await withWalk { pod, steps, containerd in
                while !points.isEmpty {
                    let point = points.removeFirst()
                    let isSealed = try await end(HoldContainer(pod), at: point, steps, containerd)
                    if isSealed {
                        sealed.withLock { $0 += 1 }
                        return
                    }
                }
            }
        }
        print(
            "hold walk, holder ended by \(signal): \(steps) steps, \(numbers.count) points, \(sealed.withLock { $0 }) sealed"
        )
    }

    /// Runs `body` with a pod, and a count of what the holder says to containerd.
    private func withWalk(_ body: (CommitterPod, Steps, String) async throws -> Void) async throws {
        try await CommitterPod.with { pod in
            let steps = Steps()
            let socket = "\(pod.daemon.folder)/walk-\(pod.name).sock"
            try await SteppingProxy.run(
                before: .socket(pod.daemon.socket),
                at: .socket(socket),
                steps: steps,
                isStep: { $0.readableBytes > 26 }
            ) { _ in try await body(pod, steps, socket) }
        }
    }

    /// Ends the holder at a point, and starts another one.
    ///
    /// - Returns: Whether it was sealed by then. The pod is dead then.
    private func end(
        _ hold: HoldContainer,
        at point: Point,
        _ steps: Steps,
        _ containerd: String
    ) async throws -> Bool {
        let pod = hold.pod
        let hit = Mutex(false)
        let first = try await hold.run(daemonSocket: containerd) { holder in
            steps.begin(
                Steps.Plan(at: point.step, isAfter: point.isAfter) {
                    hit.withLock { $0 = true }
                    Glibc.kill(holder, point.signal)
                }
            )
            let committed = try await hold.commit()
            if committed.exitStatus == 0 {
                _ = try await hold.askIfThere(.seal)
                // What was asked for is done by now; what comes next finds it ended.
                if hit.withLock({ !$0 }) { Glibc.kill(holder, point.signal) }
                if try await pod.freezes().contains(where: \.isSealed), point.signal == SIGTERM {
                    // It stays, and says so.
                    #expect(try await hold.ask(.status).state == .sealed, "\(point)")
                    Glibc.kill(holder, SIGKILL)
                }
            } else {
                #expect(!pod.isAnyFrozen, "\(point): \(committed.errors)")
            }
        }
        steps.begin()
        let isSealed = try await pod.freezes().contains(where: \.isSealed)
        if point.signal == SIGTERM, !isSealed { #expect(first.exitStatus == 0, "\(point): \(first.errors)") }

        // As the kubelet does.
        let second = try await hold.run(["--idle-limit", "1"]) { _ in
            guard isSealed else { return }
            #expect(pod.areFrozen, "\(point)")
            try await hold.waitUntilListening()
            #expect(try await hold.ask(.thaw).state == .sealed, "\(point)")
            #expect(pod.areFrozen, "\(point)")
            #expect(try await hold.ask(.kill).state == .killed, "\(point)")
        }
        #expect(second.exitStatus == 0, "\(point): \(second.errors)")
        try await hold.expectNothingLeft()
        return isSealed
    }
}
