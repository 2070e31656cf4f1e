// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import SandboxModels
import TestSupport

/// Pods with executors that do anything that executors may do, by chance, and a schedule that sees and tells them as the
/// controller does.
struct TaskWorld {
    struct Pod {
        let name: String
        let uid: String
        let place: Int
        var isSilent = false
        /// By their names.
        var tasks: [String: Run] = [:]
    }

    struct Run: Equatable {
        enum State { case running, succeeded, failed }
        var state = State.running
        /// Asked to end, which takes its time.
        var isDeleted = false
    }

    let name = "box"
    let count: Int
    let releasesPods: Bool
    var wishesRun = true
    var pods: [Pod] = []
    var schedule: TaskSchedule
    /// What is written down in the object.
    var results: [Int: TaskResult] = [:]
    var born = 0
    /// What must not happen and did.
    var mistakes: [String] = []
    /// The tasks that the schedule knows to have ended, which it may forget only with everything else.
    var known: [Int: TaskState] = [:]

    init(count: Int, releasesPods: Bool) {
        self.count = count
        self.releasesPods = releasesPods
        schedule = TaskSchedule(name: name, count: count)
    }

    var wish: TaskWish { wishesRun ? .run(releasesPods: releasesPods) : .stop }

    // MARK: What happens by itself

    mutating func addPod(at place: Int) {
        guard !pods.contains(where: { $0.place == place }),
            !results.values.contains(where: { $0.pod == "\(name)-pod-\(place)" })
        else { return }
        born += 1
        pods.append(Pod(name: "\(name)-pod-\(place)", uid: "uid-\(born)", place: place))
    }

    mutating func happen(_ random: inout SeededGenerator) {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: addPod(at: Int.random(in: 0..<count, using: &random))
        case 1:
            if Int.random(in: 0..<4, using: &random) == 0, let index = pods.indices.randomElement(using: &random) {
                pods.remove(at: index)
            }
        case 2:
            if let index = pods.indices.randomElement(using: &random) { pods[index].isSilent.toggle() }
        case 3:
            // The container is started again: nothing runs, and nothing is remembered.
            if Int.random(in: 0..<3, using: &random) == 0, let index = pods.indices.randomElement(using: &random) {
                pods[index].tasks = [:]
            }
        case 4:
            if Int.random(in: 0..<3, using: &random) == 0 { restart() }
        case 5:
            if Int.random(in: 0..<3, using: &random) == 0 { setWish(run: !wishesRun) }
        default:
            for index in pods.indices {
                for (task, run) in pods[index].tasks where Bool.random(using: &random) {
                    if run.isDeleted {
                        pods[index].tasks[task] = nil
                    } else if run.state == .running {
                        pods[index].tasks[task]?.state = Bool.random(using: &random) ? .succeeded : .failed
                    }
                }
            }
        }
    }

    /// The controller is: all that it knows is what is written down.
    mutating func restart() {
        schedule = TaskSchedule(name: name, count: count, results: results)
        known = [:]
    }

    mutating func setWish(run: Bool) {
        wishesRun = run
        if !run { known = [:] }
    }

    // MARK: A look

    private func seen(_ pod: Pod) -> TaskPod {
        let answer: TaskPod.Answer =
            pod.isSilent
            ? .silent
            : .tasks(
                pod.tasks.sorted { $0.key < $1.key }.map { name, run in
                    ExecutorTask.with {
                        $0.name = name
                        $0.processStatus = .with {
                            switch run.state {
                            case .running: $0.running = .init()
                            case .succeeded: $0.terminated = .init()
                            case .failed: $0.terminated = .with { $0.exitCode = 1 }
                            }
                        }
                    }
                }
            )
        return TaskPod(name: pod.name, uid: pod.uid, place: pod.place, answer: answer)
    }

    mutating func look() {
        let now = Date(timeIntervalSince1970: 0)
        let (orders, _) = schedule.step(pods.map(seen), wish: wish, count: count, now: now)
        for order in orders { tell(order) }
        _ = schedule.step(pods.map(seen), wish: wish, count: count, now: now)
        check()
        // The pods that are given back are nobody's concern any more.
        for (_, result) in schedule.results where results.values.allSatisfy({ $0.pod != result.pod }) {
            if let pod = pods.first(where: { $0.name == result.pod }),
                pod.tasks.values.contains(where: { $0.state == .running })
            {
                mistakes.append("\(result.pod) is given back while a task runs on it")
            }
            pods.removeAll { $0.name == result.pod }
        }
        results = schedule.results
    }

    /// What an executor does with an order.
    private mutating func tell(_ order: TaskOrder) {
        guard let index = pods.firstIndex(where: { $0.uid == order.pod.uid }), !pods[index].isSilent else { return }
        let wanted = order.task.map { "\(name)-\($0)" }
        for (task, run) in pods[index].tasks where task != wanted {
            if run.state == .running {
                pods[index].tasks[task]?.isDeleted = true
            } else {
                pods[index].tasks[task] = nil
            }
        }
        if let wanted, pods[index].tasks[wanted] == nil {
            if let place = order.task, let state = known[place] {
                mistakes.append("task \(place) is run again, which has ended: \(state)")
            }
            pods[index].tasks[wanted] = Run()
        }
    }

    private mutating func check() {
        for place in 0..<count {
            let running = pods.filter { $0.tasks["\(name)-\(place)"]?.state == .running }
            if running.count > 1 { mistakes.append("task \(place) runs on \(running.map(\.name))") }
        }
        let counts = schedule.counts
        let stopped = schedule.nodes.count { $0.stage == .released && (!$0.givesBack || !wishesRun) }
        if counts.total + stopped != count { mistakes.append("\(counts) and \(stopped) are not \(count)") }
        let used = schedule.nodes.filter { $0.stage == .assigned && !$0.state.isFinal }.compactMap(\.pod)
        if Set(used).count != used.count { mistakes.append("two tasks have one of the pods \(used)") }
        if !wishesRun, schedule.isStopped,
            pods.contains(where: { pod in !pod.isSilent && pod.tasks.values.contains { $0.state == .running } })
        {
            mistakes.append("it is taken for stopped and runs")
        }
        if wishesRun {
            for (place, node) in schedule.nodes.enumerated() where node.state.isFinal { known[place] = node.state }
        }
    }
}
