// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

public import struct Foundation.Date

/// Which task of a sandbox is on which pod, and how it is. Pure.
///
/// It is kept in memory only: what is needed after a restart is what the executors say, and how the tasks ended whose pods were
/// given back. So a task is run at least once: whoever loses both the executor's memory and this one runs it again.
public struct TaskSchedule: Sendable, Hashable {
    /// Where a task is in its life, in upstream's words.
    public enum Stage: String, Sendable, Hashable {
        /// It has no pod.
        case pending
        /// It has one.
        case assigned
        /// Its executor is to forget it.
        case releasing
        /// Its executor has forgotten it.
        case released
    }

    /// One task.
    public struct Node: Sendable, Hashable {
        /// Its stage.
        public internal(set) var stage = Stage.pending
        /// How it is.
        public internal(set) var state = TaskState.unknown
        /// The name of its pod.
        public internal(set) var pod: String?
        /// The UID of its pod.
        var podUID: String?
        /// Whether it is released because it has ended, and not because none is to run. Then it stays so.
        public internal(set) var givesBack = false
        /// How it has failed, if it has.
        public internal(set) var ending: ExecutorProcessStatus.Terminated?
        /// Since when its executor is silent.
        var silentSince: Date?
    }

    /// The tasks, by their places.
    public private(set) var nodes: [Node]
    /// The name of the sandbox, with which all names of tasks begin.
    private let name: String
    /// Whether an executor has told of a task of ours that has no place there.
    private var hasStrays = false
    /// Whether none was to run, when it was last asked for.
    private var isStopping = false

    /// For how many seconds an executor may be silent until nothing is known of its task any more, or one that is to end is taken
    /// for ended: nobody is there to run it.
    public static let patience: Double = 30

    /// Creates one that knows of no task yet but of those whose pods were given back.
    public init(name: String, count: Int, results: [Int: TaskResult] = [:]) {
        self.name = name
        nodes = Array(repeating: Node(), count: max(count, 0))
        for (index, result) in results where nodes.indices.contains(index) {
            nodes[index].stage = .released
            nodes[index].givesBack = true
            nodes[index].pod = result.pod
            nodes[index].state = TaskState(rawValue: result.state) ?? .unknown
        }
    }

    // MARK: What there is

    /// How many tasks are in each state. Those that were stopped are none, and while none is to run, what has become of earlier ones
    /// is of no interest.
    public var counts: TaskCounts {
        var counts = TaskCounts()
        for node in nodes {
            switch node.stage {
            case .pending: counts.pending += 1
            case .released where !node.givesBack || isStopping: continue
            case .assigned, .releasing, .released: counts.add(node.state)
            }
        }
        return counts
    }

    /// Whether nothing of it runs any more, and no executor has to be told so.
    public var isStopped: Bool {
        !hasStrays && nodes.allSatisfy { $0.stage == .released || $0.stage == .pending }
    }

    /// Whether all that is wanted has come about, so that nothing has to be asked until something happens.
    public func isSettled(for wish: TaskWish) -> Bool {
        switch wish {
        case .stop: isStopped
        case .run(let releasesPods):
            !hasStrays
                && nodes.allSatisfy {
                    $0.stage == .released || ($0.stage == .assigned && $0.state.isFinal && !releasesPods)
                }
        }
    }

    /// Where each task is and how, without when it was asked: what changes with the tasks only.
    public var outline: [String] { nodes.map { "\($0.stage) \($0.state) \($0.podUID ?? "")" } }

    /// Whether all that could still change is on executors that do not answer.
    public var waitsForSilentOnes: Bool {
        nodes.allSatisfy { $0.silentSince != nil || $0.stage == .pending || $0.stage == .released || $0.state.isFinal }
    }

    /// How the tasks have ended whose pods are given back, by their places.
    public var results: [Int: TaskResult] {
        var results: [Int: TaskResult] = [:]
        for (index, node) in nodes.enumerated() where node.stage == .released && node.givesBack {
            results[index] = .with {
                $0.pod = node.pod ?? ""
                $0.state = node.state.rawValue
            }
        }
        return results
    }

    // MARK: What to do

    /// Takes note of what the executors have said, and decides what they are to be told.
    ///
    /// - Parameters:
    ///   - pods: All pods that the sandbox has. What runs on one that is not among them has ended.
    ///   - wish: What is wanted.
    ///   - count: How many tasks there are to be.
    ///   - now: The time.
    /// - Returns: What to tell whom, one order at most for each pod, and which tasks have failed since the last time.
    public mutating func step(
        _ pods: [TaskPod],
        wish: TaskWish,
        count: Int,
        now: Date
    ) -> (orders: [TaskOrder], failures: [TaskFailure]) {
        let pods = pods.sorted { ($0.place, $0.name) < ($1.place, $1.name) }
        let before = nodes
        isStopping = wish == .stop
        resize(to: count)
        adopt(pods)
        for index in nodes.indices { look(at: index, pods, now) }
        let failures = nodes.indices.compactMap { index -> TaskFailure? in
            guard nodes[index].state == .failed, let ending = nodes[index].ending, let pod = nodes[index].pod,
                !before.indices.contains(index) || before[index].state != .failed
            else { return nil }
            return TaskFailure(index: index, pod: pod, ending: ending)
        }
        switch wish {
        case .stop: stop(now)
        case .run(let releasesPods): run(pods, releasesPods: releasesPods)
        }
        // What has nothing on it any more need not be told so first.
        for index in nodes.indices where nodes[index].stage == .releasing { look(at: index, pods, now) }
        hasStrays = pods.contains { owner(of: $0) == nil && tellsOfOurs($0) }
        return (orders(pods), failures)
    }

    private mutating func resize(to count: Int) {
        if count < nodes.count { nodes.removeLast(nodes.count - max(count, 0)) }
        while nodes.count < count { nodes.append(Node()) }
    }

    private func taskName(_ index: Int) -> String { "\(name)-\(index)" }

    /// Whether an executor has a task of ours, which need not be wanted any more.
    private func tellsOfOurs(_ pod: TaskPod) -> Bool {
        guard case .tasks(let tasks) = pod.answer else { return false }
        return tasks.contains { $0.name.hasPrefix("\(name)-") && Int($0.name.dropFirst(name.count + 1)) != nil }
    }

    /// Finds tasks of which nothing is known here on the pods whose executors tell of them.
    private mutating func adopt(_ pods: [TaskPod]) {
        for index in nodes.indices
        where nodes[index].stage == .pending || (nodes[index].stage == .released && !nodes[index].givesBack) {
            guard let pod = pods.first(where: { $0.task(named: taskName(index)) != nil }), owner(of: pod) == nil else {
                continue
            }
            assign(index, to: pod)
        }
    }

    /// The place of the task that has a pod.
    private func owner(of pod: TaskPod) -> Int? {
        nodes.firstIndex { ($0.stage == .assigned || $0.stage == .releasing) && $0.podUID == pod.uid }
    }

    private mutating func assign(_ index: Int, to pod: TaskPod) {
        nodes[index] = Node()
        nodes[index].stage = .assigned
        nodes[index].pod = pod.name
        nodes[index].podUID = pod.uid
    }

    /// Takes note of what is said of one task.
    private mutating func look(at index: Int, _ pods: [TaskPod], _ now: Date) {
        guard nodes[index].stage == .assigned || nodes[index].stage == .releasing else { return }
        guard let pod = pods.first(where: { $0.uid == nodes[index].podUID }) else {
            // It has ended with its pod.
            if nodes[index].stage == .releasing {
                release(index)
            } else if !nodes[index].state.isFinal {
                nodes[index] = Node()
            }
            return
        }
        switch pod.answer {
        case .notAsked: return
        case .silent:
            let since = nodes[index].silentSince ?? now
            nodes[index].silentSince = since
            // A sandbox that is frozen for a moment, for a snapshot, answers nobody and has lost nothing.
            if !nodes[index].state.isFinal, now.timeIntervalSince(since) >= Self.patience {
                nodes[index].state = .unknown
            }
        case .tasks(let tasks):
            nodes[index].silentSince = nil
            if let task = pod.task(named: taskName(index)) {
                // What has ended has ended: an executor that says otherwise has run it again, for somebody else.
                guard !nodes[index].state.isFinal else { return }
                nodes[index].state = task.state
                nodes[index].ending = task.processStatus?.terminated
            } else {
                if !nodes[index].state.isFinal { nodes[index].state = .unknown }
                if nodes[index].stage == .releasing, tasks.isEmpty { release(index) }
            }
        }
    }

    private mutating func release(_ index: Int) {
        nodes[index].stage = .released
        if !nodes[index].givesBack {
            nodes[index] = Node()
            nodes[index].stage = .released
        }
    }

    private mutating func stop(_ now: Date) {
        for index in nodes.indices {
            switch nodes[index].stage {
            case .pending: release(index)
            case .assigned: nodes[index].stage = .releasing
            case .releasing, .released: break
            }
            if nodes[index].stage == .releasing, let since = nodes[index].silentSince,
                now.timeIntervalSince(since) >= Self.patience
            {
                release(index)
            }
        }
    }

    private mutating func run(_ pods: [TaskPod], releasesPods: Bool) {
        for index in nodes.indices {
            switch nodes[index].stage {
            case .released where !nodes[index].givesBack: nodes[index] = Node()
            case .releasing where !nodes[index].givesBack: nodes[index].stage = .assigned
            default: break
            }
            if nodes[index].stage == .assigned, nodes[index].state.isFinal, releasesPods {
                nodes[index].stage = .releasing
                nodes[index].givesBack = true
            }
        }
        let used = Set(nodes.filter { $0.stage == .released }.compactMap(\.pod))
        var free = pods.filter { $0.isAssignable && !used.contains($0.name) && owner(of: $0) == nil }
        for index in nodes.indices where nodes[index].stage == .pending {
            guard let place = free.firstIndex(where: { $0.place == index }) else { continue }
            assign(index, to: free.remove(at: place))
        }
        // A place that has no pod takes another's, unless one that does not answer may have the task.
        guard !pods.contains(where: { $0.answer == .silent }) else { return }
        for index in nodes.indices where nodes[index].stage == .pending && !free.isEmpty {
            assign(index, to: free.removeFirst())
        }
    }

    private func orders(_ pods: [TaskPod]) -> [TaskOrder] {
        pods.compactMap { pod in
            guard case .tasks(let tasks) = pod.answer else { return nil }
            guard let index = owner(of: pod) else {
                // A task of ours that has its place elsewhere, or nowhere any more.
                return tellsOfOurs(pod) ? TaskOrder(pod: pod, task: nil) : nil
            }
            let node = nodes[index]
            switch node.stage {
            case .releasing: return tasks.isEmpty ? nil : TaskOrder(pod: pod, task: nil)
            case .assigned:
                guard !node.state.isFinal, pod.isAssignable, pod.task(named: taskName(index)) == nil else { return nil }
                return TaskOrder(pod: pod, task: index)
            case .pending, .released: return nil
            }
        }
    }
}

extension TaskPod {
    /// A task that its executor tells of.
    func task(named name: String) -> ExecutorTask? {
        guard case .tasks(let tasks) = answer else { return nil }
        return tasks.first { $0.name == name }
    }
}
