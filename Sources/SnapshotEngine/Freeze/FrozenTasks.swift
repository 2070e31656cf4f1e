// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Freezing, thawing and killing several containers at once.
struct FrozenTasks: Sendable {
    /// A container that could not be frozen.
    struct Failure: Sendable {
        let container: String
        let cause: any Error
        /// Whether it may be frozen all the same, now or in a moment.
        let isUncertain: Bool
    }

    /// How long one try to thaw may take. It does not wait for long for a containerd that is not there: whoever tries again
    /// first asks whether the freeze is still theirs to end.
    private static let thawTimeLimit = Duration.seconds(10)

    let client: ContainerdClient
    let containers: [String]

    /// Throws unless the processes of all containers run.
    func checkRunning() async throws {
        for container in containers {
            let status = try await ContainerdError.nilIfNotFound { try await client.task(container).status }
            switch status {
            case .running: continue
            case .paused, .pausing: throw FreezeError.alreadyFrozen(container: container)
            default: throw FreezeError.notRunning(container: container, status: status)
            }
        }
    }

    /// Whether all containers are frozen.
    func areFrozen() async throws -> Bool {
        for container in containers {
            let status = try await ContainerdError.nilIfNotFound { try await client.task(container).status }
            guard status == .paused else { return false }
        }
        return true
    }

    /// Freezes all containers in one go, each within the time limit, however often the runtime fails.
    ///
    /// - Returns: Those that could not be.
    func freeze(timeLimit: Duration) async -> [Failure] {
        await withTaskGroup(of: Failure?.self) { group in
            for container in containers {
                group.addTask { await freeze(container, timeLimit: timeLimit) }
            }
            return await group.reduce(into: []) { failures, failure in
                failures += failure.map { [$0] } ?? []
            }
        }
    }

    private func freeze(_ container: String, timeLimit: Duration) async -> Failure? {
        let deadline = ContinuousClock.now + timeLimit
        while true {
            do {
                try await client.pauseTask(container, timeLimit: max(deadline - .now, .milliseconds(1)))
                return nil
            } catch {
                let code = (error as? ContainerdError)?.code
                // runc gives up soon, and thaws, when busy processes get no turn to stop in. Asking again helps.
                if code == .unknown, .now < deadline {
                    continue
                }
                let isCertain = code == .notFound || code == .failedPrecondition
                return Failure(container: container, cause: error, isUncertain: !isCertain)
            }
        }
    }

    /// Thaws all containers in one go. Those that run, have ended or are gone are fine as they are.
    ///
    /// - Throws: `stillFrozen`, after trying all of them.
    func thaw() async throws {
        let failures = await withTaskGroup(of: FreezeError?.self) { group in
            for container in containers {
                group.addTask { await thaw(container) }
            }
            return await group.reduce(into: [FreezeError]()) { failures, failure in
                failures += failure.map { [$0] } ?? []
            }
        }
        if let failure = failures.first {
            throw failure
        }
    }

    private func thaw(_ container: String) async -> FreezeError? {
        do {
            try await client.resumeTask(container, timeLimit: Self.thawTimeLimit)
            return nil
        } catch let error as ContainerdError where error.code == .unavailable || error.code == .deadlineExceeded {
            return .stillFrozen(container: container, cause: error)
        } catch {
            // containerd refuses to thaw what is not frozen: only the state tells whether that was the reason.
            do {
                let status = try await ContainerdError.nilIfNotFound { try await client.task(container).status }
                switch status {
                case .paused, .pausing, .unknown: return .stillFrozen(container: container, cause: error)
                case .running, .created, .stopped, nil: return nil
                }
            } catch {
                return .stillFrozen(container: container, cause: error)
            }
        }
    }

    /// Kills all processes of all containers while they are frozen, and deletes their tasks.
    ///
    /// The signal reaches every process before any is thawed, and the kernel ends a process with a pending SIGKILL before
    /// its next instruction. Signalling only the first process, as a pod's deletion does, would let the others run on.
    func kill() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for container in containers {
                group.addTask { try await kill(container) }
            }
            try await group.waitForAll()
        }
    }

    private func kill(_ container: String) async throws {
        do {
            try await client.killTask(container, signal: SIGKILL, all: true)
        } catch let error as ContainerdError where error.isNotFound {
            // Its processes have ended already.
        }
        _ = try await ContainerdError.nilIfNotFound {
            _ = try await client.waitForExit(of: container)
            // The kubelet's containerd plugin deletes it too: whoever comes second finds nothing.
            try await client.deleteTask(container)
        }
    }
}
