// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import SnapshotEngine
import Synchronization
import TestSupport
import Testing

/// A committer, its holder or both are killed by SIGKILL at what they say to containerd and to the registry, one message
/// after the other. By default a sample of every stage is walked; with `STASIS_CRASH_WALK=full` all of it.
@Suite("A committer that is killed")
struct CommitterCrashTests {
    private static var isFull: Bool { ProcessInfo.processInfo.environment["STASIS_CRASH_WALK"] == "full" }

    @Test(
        "at any stage leaves a pod that runs again and no half image, and the next commit succeeds and leaves nothing"
    )
    func walk() async throws {
        let start = ContinuousClock.now
        // So much that some of it is copied before the freeze.
        try await CommitterPod.with(megabytes: 20) { pod in
            try await CrashingCommits.with(pod) { commits in
                let stages = try await commits.record()
                // Nothing is merged, because the pod's image is no snapshot.
                let expected = Set(CaptureStage.allCases).subtracting([.compacting, .done])
                #expect(Set(stages).isSuperset(of: expected), "\(stages)")
                var random = SeededRandom(0xC0FFEE)
                var killed: [CaptureStage: Int] = [:]
                for (number, point) in Self.points(stages, random: &random).enumerated() {
                    do {
                        let stage = try await commits.live(killedAt: point, number: number)
                        if let stage { killed[stage, default: 0] += 1 }
                    } catch {
                        throw CrashingCommits.Wrong(description: "killed at \(point): \(error)")
                    }
                }
                let told = killed.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key) \($0.value)" }
                print(
                    "committer crash walk: \(stages.count) steps; killed in \(told.joined(separator: ", ")); "
                        + "\((ContinuousClock.now - start).components.seconds) s"
                )
                #expect(killed.values.reduce(0, +) >= 12 && killed.count >= 5, "\(killed)")
            }
        }
    }

    /// Every victim in every stage, or everything.
    private static func points(_ stages: [CaptureStage], random: inout SeededRandom) -> [CrashingCommits.Point] {
        var points: [CrashingCommits.Point] = []
        if isFull {
            for step in 1...stages.count {
                for victim in CommitterProcess.Victim.allCases {
                    points.append(CrashingCommits.Point(step: step, isAfter: step % 2 == 0, victim: victim))
                }
            }
            return points
        }
        for stage in CaptureStage.allCases {
            let steps = stages.indices.filter { stages[$0] == stage }.map { $0 + 1 }
            for victim in CommitterProcess.Victim.allCases {
                guard let step = steps.randomElement(using: &random) else { continue }
                points.append(CrashingCommits.Point(step: step, isAfter: Bool.random(using: &random), victim: victim))
            }
        }
        return points
    }
}

/// Commits of one pod that are killed at steps towards containerd and the registry.
private struct CrashingCommits: Sendable {
    /// When who is killed.
    struct Point: CustomStringConvertible {
        var step: Int
        var isAfter: Bool
        var victim: CommitterProcess.Victim

        var description: String { "\(victim) \(isAfter ? "after" : "before") step \(step)" }
    }

    struct Wrong: Error, CustomStringConvertible {
        var description: String
    }

    let pod: CommitterPod
    private let steps: Steps
    private let program: CommitterProgram
    /// The registry as the killed ones see it.
    private let authority: String
    private let temporary: String
    private let mounts: Set<String>

    static func with(_ pod: CommitterPod, _ body: (CrashingCommits) async throws -> Void) async throws {
        let steps = Steps()
        let port = pod.holding.authority.split(separator: ":").last.flatMap { Int($0) } ?? 0
        let socket = "\(pod.daemon.folder)/steps-\(pod.name).sock"
        let temporary = "\(pod.daemon.folder)/tmp-\(pod.name)"
        try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: false)
        try await SteppingProxy.run(
            before: .socket(pod.daemon.socket),
            at: .socket(socket),
            steps: steps,
            // Less is an acknowledgement.
            isStep: { $0.readableBytes > 26 }
        ) { _ in
            try await SteppingProxy.run(before: .port(port), at: .port(0), steps: steps, isStep: isRequest) { port in
                var program = pod.program
                program.environment = [
                    "CONTAINERD_SOCKET": socket, "TMPDIR": temporary, "STASIS_FREEZE_SECONDS": "60",
                ]
                try await body(
                    CrashingCommits(
                        pod: pod,
                        steps: steps,
                        program: program,
                        authority: "127.0.0.1:\(port)",
                        temporary: temporary
                    )
                )
            }
        }
    }

    private init(pod: CommitterPod, steps: Steps, program: CommitterProgram, authority: String, temporary: String) {
        self.pod = pod
        self.steps = steps
        self.program = program
        self.authority = authority
        self.temporary = temporary
        mounts = Self.mounts(of: pod)
    }

    private static func isRequest(_ bytes: ByteBuffer) -> Bool {
        let methods = ["GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE "]
        return methods.contains { bytes.readableBytesView.starts(with: $0.utf8) }
    }

    private static func mounts(of pod: CommitterPod) -> Set<String> {
        Set(MountTable.lines().filter { $0.contains(pod.main.id) })
    }

    private func commit(
        _ program: CommitterProgram,
        uid: String,
        at authority: String,
        _ meanwhile: @Sendable (CommitterProgram.Running) async throws -> Void = { _ in }
    ) async throws -> CommitterProgram.Ending {
        try await program.run(
            [
                "commit", pod.name, "team", "main:\(authority)/team/\(pod.name):\(uid)",
                // The repository by another name is another registry: what it has need not be brought there.
                "--base", "main=\(authority)/team/base:1", "--snapshot-uid", uid,
            ],
            meanwhile: meanwhile
        )
    }

    /// Commits undisturbed.
    ///
    /// - Returns: The stage of every step.
    func record() async throws -> [CaptureStage] {
        let stages = Mutex<[CaptureStage]>([])
        let running = Mutex<CommitterProgram.Running?>(nil)
        steps.begin(seen: { _ in
            let stage = running.withLock { $0?.stage } ?? .preparing
            stages.withLock { $0.append(stage) }
        })
        let ending = try await commit(program, uid: "recorded", at: authority) { program in
            running.withLock { $0 = program }
        }
        guard ending.exitStatus == 0 else { throw Wrong(description: ending.errors) }
        return stages.withLock { $0 }
    }

    /// Commits, killed at a point, sees to it that the pod runs again, and commits once more.
    ///
    /// - Returns: The stage in which it was killed; nil if the point did not come.
    func live(killedAt point: Point, number: Int) async throws -> CaptureStage? {
        let uid = "walk-\(number)"
        let content = "life \(number)\n"
        try content.write(toFile: "/proc/\(pod.main.pid)/root/root/data", atomically: false, encoding: .utf8)
        let (pids, pid) = AsyncStream.makeStream(of: pid_t.self)
        let hit = Mutex(false)
        steps.begin(
            Steps.Plan(at: point.step, isAfter: point.isAfter) {
                for await pid in pids {
                    try? CommitterProcess.kill(pid, point.victim)
                    hit.withLock { $0 = true }
                    return
                }
            }
        )
        let killed = try await commit(program, uid: uid, at: authority) { pid.yield($0.processID) }
        steps.begin()
        if point.victim == .committer || killed.exitStatus != nil {
            // Somebody is left who thaws without being told.
            try await pod.waitUntilThawed()
            // A record whose writing was cut off can come after its removal. Nothing is frozen then, and it is nobody's: the
            // next commit is to remove it.
            let limit = ContinuousClock.now + .seconds(60)
            try await CommitterPod.eventually {
                if .now > limit { return true }
                return try await pod.freezes().isEmpty
            }
        } else if number % 2 == 0 {
            let ending = try await pod.program.run("unpause", pod.name, "team", "main", "side")
            guard ending.exitStatus == 0, !pod.isAnyFrozen else {
                throw Wrong(description: "unpause: \(ending.errors)")
            }
        }
        try await expectNoHalfImage(uid)

        let again = try await commit(pod.program, uid: uid, at: pod.holding.authority)
        guard again.exitStatus == 0 else { throw Wrong(description: "the next commit: \(again.errors)") }
        let image = try await RegistryReader.read("\(pod.registry.authority)/team/\(pod.name):\(uid)")
        guard image["root/data"]?.text == content else { throw Wrong(description: "the image has another content") }
        guard image["root/bulk"]?.size == 20 << 20 else { throw Wrong(description: "the image lacks a file") }
        try await expectNothingLeft()
        return hit.withLock { $0 } ? killed.lastStage ?? .preparing : nil
    }

    /// What a tag names, if anything, is complete.
    private func expectNoHalfImage(_ uid: String) async throws {
        let reference = "\(pod.registry.authority)/team/\(pod.name):\(uid)"
        guard (try? await pod.inspect(reference)) != nil else { return }
        _ = try await RegistryReader.read(reference)
    }

    private func expectNothingLeft() async throws {
        guard !pod.isAnyFrozen else { throw Wrong(description: "it is frozen") }
        let leases = try await pod.daemon.withClient { try await $0.leases(filters: []) }
            .filter { lease in
                lease.labels.values.contains { $0.hasPrefix("walk-") || $0 == pod.main.id || $0 == pod.side.id }
            }
        guard leases.isEmpty else { throw Wrong(description: "leases are left: \(leases)") }
        let files = try FileManager.default.contentsOfDirectory(atPath: temporary)
        guard files.isEmpty else { throw Wrong(description: "files are left: \(files)") }
        let left = Self.mounts(of: pod)
        guard left == mounts else { throw Wrong(description: "mounts are \(left), not \(mounts)") }
    }
}

extension CommitterProgram.Ending {
    /// The stage that it told of last.
    fileprivate var lastStage: CaptureStage? {
        CaptureStage.allCases.last { stage in lines.contains { $0.contains("\"stage\":\"\(stage.rawValue)\"") } }
    }
}
