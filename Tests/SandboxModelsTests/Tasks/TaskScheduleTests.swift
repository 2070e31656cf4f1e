// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import SandboxModels
import TestSupport
import Testing

@Suite("The schedule of tasks")
struct TaskScheduleTests {
    private let now = Date(timeIntervalSince1970: 1_000_000)

    private func pod(_ place: Int, _ answer: TaskPod.Answer = .tasks([])) -> TaskPod {
        TaskPod(name: "box-\(place)", uid: "uid-\(place)", place: place, answer: answer)
    }

    private func task(_ place: Int, exitCode: Int? = nil) -> ExecutorTask {
        .with {
            $0.name = "box-\(place)"
            $0.processStatus = .with {
                if let exitCode {
                    $0.terminated = .with { $0.exitCode = exitCode }
                } else {
                    $0.running = .init()
                }
            }
        }
    }

    @Test(
        "whatever executors, pods and the controller do, no pod is given back too soon, and no task runs twice",
        arguments: [false, true]
    )
    func chaos(releasesPods: Bool) {
        for seed in 0..<400 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var world = TaskWorld(count: Int.random(in: 1...4, using: &random), releasesPods: releasesPods)
            for _ in 0..<120 {
                for _ in 0..<Int.random(in: 0...3, using: &random) { world.happen(&random) }
                world.look()
            }
            #expect(world.mistakes == [], "seed \(seed)")
            guard world.mistakes.isEmpty else { return }

            // Left alone, it comes to what is wanted.
            for place in 0..<world.count { world.addPod(at: place) }
            for index in world.pods.indices { world.pods[index].isSilent = false }
            for wishesRun in [true, false] {
                world.setWish(run: wishesRun)
                for _ in 0..<40 {
                    for index in world.pods.indices {
                        for (task, run) in world.pods[index].tasks {
                            if run.isDeleted {
                                world.pods[index].tasks[task] = nil
                            } else {
                                world.pods[index].tasks[task]?.state = .succeeded
                            }
                        }
                    }
                    world.look()
                }
                #expect(world.schedule.isSettled(for: world.wish), "seed \(seed): \(world.schedule.outline)")
                #expect(world.mistakes == [], "seed \(seed)")
            }
        }
    }

    @Test("each task goes to the pod at its place, once, and is counted")
    func places() {
        var schedule = TaskSchedule(name: "box", count: 3)
        let (first, _) = schedule.step([pod(1), pod(0)], wish: .run(releasesPods: false), count: 3, now: now)
        #expect(first.map(\.pod.place) == [0, 1] && first.map(\.task) == [0, 1])
        #expect(schedule.counts.unknown == 2 && schedule.counts.pending == 1)
        let pods = [pod(0, .tasks([task(0)])), pod(1, .tasks([task(1, exitCode: 7)])), pod(2, .silent)]
        let (second, failures) = schedule.step(pods, wish: .run(releasesPods: false), count: 3, now: now)
        #expect(second.isEmpty)
        #expect(failures.map(\.index) == [1] && failures.first?.ending.exitCode == 7)
        #expect(schedule.counts.running == 1 && schedule.counts.failed == 1 && schedule.counts.unknown == 1)
        // What has failed is told once, and stays so when its executor has forgotten it.
        let later = [pod(0, .tasks([task(0, exitCode: 0)])), pod(1, .tasks([])), pod(2, .tasks([]))]
        let (third, again) = schedule.step(later, wish: .run(releasesPods: false), count: 3, now: now)
        #expect(third.map(\.task) == [2] && again.isEmpty)
        #expect(schedule.counts.succeeded == 1 && schedule.counts.failed == 1)
    }

    @Test("one whose executor is silent for a while still runs; for longer, nobody knows")
    func silence() {
        var schedule = TaskSchedule(name: "box", count: 1)
        let wish = TaskWish.run(releasesPods: false)
        _ = schedule.step([pod(0, .tasks([task(0)]))], wish: wish, count: 1, now: now)
        _ = schedule.step([pod(0, .silent)], wish: wish, count: 1, now: now)
        let moment = now.addingTimeInterval(TaskSchedule.patience - 1)
        _ = schedule.step([pod(0, .silent)], wish: wish, count: 1, now: moment)
        #expect(schedule.counts.running == 1 && schedule.waitsForSilentOnes)
        let later = now.addingTimeInterval(TaskSchedule.patience)
        let (orders, _) = schedule.step([pod(0, .silent)], wish: wish, count: 1, now: later)
        #expect(schedule.counts.unknown == 1 && orders.isEmpty)
        _ = schedule.step([pod(0, .tasks([task(0)]))], wish: wish, count: 1, now: later)
        #expect(schedule.counts.running == 1)
    }

    @Test("a pod is given back when its executor has forgotten the task, not before and not because it is silent")
    func release() {
        var schedule = TaskSchedule(name: "box", count: 1)
        let wish = TaskWish.run(releasesPods: true)
        let done = pod(0, .tasks([task(0, exitCode: 0)]))
        let (orders, _) = schedule.step([done], wish: wish, count: 1, now: now)
        #expect(orders.map(\.task) == [nil] && schedule.results.isEmpty)
        _ = schedule.step([pod(0, .silent)], wish: wish, count: 1, now: now)
        _ = schedule.step([pod(0, .silent)], wish: wish, count: 1, now: now.addingTimeInterval(1_000_000))
        #expect(schedule.results.isEmpty && !schedule.isSettled(for: wish))
        _ = schedule.step([pod(0)], wish: wish, count: 1, now: now)
        #expect(schedule.results[0]?.pod == "box-0" && schedule.results[0]?.state == "SUCCEED")
        #expect(schedule.counts.succeeded == 1 && schedule.isSettled(for: wish))
        // A schedule that is made anew runs it on no other pod.
        var next = TaskSchedule(name: "box", count: 1, results: schedule.results)
        let (none, _) = next.step([pod(0), pod(1)], wish: wish, count: 1, now: now)
        #expect(none.isEmpty && next.counts.succeeded == 1)
    }

    @Test("what is to end is told so until it has; an executor that stays silent is given up after a while")
    func stop() {
        var schedule = TaskSchedule(name: "box", count: 3)
        let pods = [pod(0, .tasks([task(0)])), pod(1, .silent), pod(2, .tasks([task(7)]))]
        let (orders, _) = schedule.step(pods, wish: .stop, count: 3, now: now)
        // Also a task of ours that has no place any more.
        #expect(orders.map(\.pod.place) == [0, 2] && orders.allSatisfy { $0.task == nil })
        #expect(!schedule.isStopped)

        var running = TaskSchedule(name: "box", count: 1)
        _ = running.step([pod(0)], wish: .run(releasesPods: false), count: 1, now: now)
        _ = running.step([pod(0, .silent)], wish: .stop, count: 1, now: now)
        #expect(!running.isStopped)
        let later = now.addingTimeInterval(TaskSchedule.patience)
        _ = running.step([pod(0, .silent)], wish: .stop, count: 1, now: later)
        #expect(running.isStopped && running.counts.total == 0)
        // They run again when that is wanted.
        let (again, _) = running.step([pod(0)], wish: .run(releasesPods: false), count: 1, now: later)
        #expect(again.map(\.task) == [0])
    }

    @Test("a task is found where it runs, whatever its place is")
    func adoption() {
        var schedule = TaskSchedule(name: "box", count: 2)
        let pods = [pod(0, .tasks([task(1)])), pod(1, .tasks([]))]
        let (orders, _) = schedule.step(pods, wish: .run(releasesPods: false), count: 2, now: now)
        #expect(orders.map(\.task) == [0] && orders.map(\.pod.place) == [1])
        #expect(schedule.nodes.map(\.pod) == ["box-1", "box-0"])
    }
}
