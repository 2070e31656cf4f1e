// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why a freeze did not come about, or does not do what it is asked to.
public enum FreezeError: Error, Sendable, CustomStringConvertible {
    /// The freeze's ID cannot be used as a name.
    case invalidID(String)
    /// There are no containers to freeze.
    case noContainers
    /// The deadline has passed already.
    case deadlineInThePast(id: String)
    /// There is a freeze of that ID on this node, or this holder was used before.
    case alreadyUsed(id: String)
    /// A container's processes do not run, so there is nothing to freeze.
    case notRunning(container: String, status: ContainerTask.Status?)
    /// Somebody else has frozen the container already.
    case alreadyFrozen(container: String)
    /// Not every container could be frozen; those that were are thawed again.
    case incomplete(container: String, cause: any Error)
    /// The deadline passed, or the task was cancelled, before everything was frozen; all is thawed again.
    case interrupted(id: String)
    /// What was asked for needs a frozen sandbox, and this one is not.
    case notFrozen(id: String)
    /// What was asked for needs a sealed freeze, and this one is not.
    case notSealed(id: String)
    /// The freeze is sealed, and what is sealed is never thawed.
    case sealed(id: String)
    /// A container is still frozen after several attempts to thaw it.
    case stillFrozen(container: String, cause: any Error)
    /// The process that held the freeze ended, or gave no answer any more. What was not sealed is thawed.
    case holderLost(id: String)
    /// There is no process that could hold a freeze, so nothing was frozen. The text says why.
    case holderUnavailable(String)

    /// What happened, to what, and what to do.
    public var description: String {
        switch self {
        case .invalidID(let id):
            "\"\(id)\" cannot name a freeze: use 1 to 64 letters, digits, dots, dashes and underscores"
        case .noContainers:
            "there are no containers to freeze"
        case .deadlineInThePast(let id):
            "the deadline of freeze \(id) has passed already: ask again with a later one"
        case .alreadyUsed(let id):
            "freeze \(id) exists already on this node: thaw it first, or use another ID"
        case .notRunning(let container, let status):
            "container \(container) cannot be frozen: its processes do not run (\(status.map { "\($0)" } ?? "no task"))"
        case .alreadyFrozen(let container):
            "container \(container) is frozen already by somebody else: wait for them, or thaw it first"
        case .incomplete(let container, let cause):
            "container \(container) could not be frozen, and nothing is frozen now: \(cause)"
        case .interrupted(let id):
            "freeze \(id) was interrupted before everything was frozen, and nothing is frozen now"
        case .notFrozen(let id):
            "nothing is frozen by freeze \(id) any more, or yet"
        case .notSealed(let id):
            "freeze \(id) is not sealed: only what is sealed is killed while frozen"
        case .sealed(let id):
            "freeze \(id) is sealed: its containers are never thawed, they can only be killed"
        case .stillFrozen(let container, let cause):
            "container \(container) is still frozen and does not thaw: \(cause)"
        case .holderLost(let id):
            "the process that held freeze \(id) ended, so what it had frozen was thawed unless it was sealed: try again"
        case .holderUnavailable(let reason):
            "there is no process that could hold a freeze, so nothing was frozen: \(reason)"
        }
    }
}
