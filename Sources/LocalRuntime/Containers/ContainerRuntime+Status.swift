// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotEngine

import class Foundation.FileManager

extension ContainerRuntime {
    /// What there is of a sandbox's container now.
    ///
    /// - Throws: `ContainerdError` if containerd cannot be reached. `CancellationError`.
    public func status(of id: String) async throws -> ContainerStatus {
        guard try await ContainerdError.nilIfNotFound({ try await client.container(id) }) != nil else { return .absent }
        return ContainerStatus(try await ContainerdError.nilIfNotFound { try await client.task(id) })
    }

    /// Whether nothing at all is left of a sandbox's container, not even what a removal that was cut off has left.
    ///
    /// - Throws: As `status(of:)` does.
    public func isGone(_ id: String) async throws -> Bool {
        let files = files(of: id)
        guard await (try? BlockingWork.run { files.exists }) == false else { return false }
        return try await status(of: id) == .absent
    }

    /// The IPv4 address of a sandbox's container; nil if there is no container or it had got none.
    ///
    /// - Throws: `ContainerdError` if containerd cannot be reached. `CancellationError`.
    public func address(of id: String) async throws -> String? {
        try await ContainerdError.nilIfNotFound { try await client.container(id) }?.labels[Self.addressLabel]
    }

    /// Waits until the first process of a sandbox has ended.
    ///
    /// - Returns: how; at once if it ended before, without a code if there are no processes of it any more.
    /// - Throws: `SandboxError` with the code `notFound` if there is no such container; `ContainerdError`.
    ///   `CancellationError`.
    public func waitForExit(of id: String) async throws -> ContainerExit {
        if let exit = try await ContainerdError.nilIfNotFound({ try await client.waitForExit(of: id) }) {
            return ContainerExit(exit)
        }
        switch try await status(of: id) {
        case .stopped(let exit):
            return exit
        case .absent:
            throw SandboxError(.notFound, "There is no container of a sandbox \(id).")
        case .created, .running, .paused:
            // It was not there when the wait began: another one has been made since.
            return try await waitForExit(of: id)
        }
    }

    /// All that this runtime has on this machine, remains of containers that never came up included.
    ///
    /// - Throws: `ContainerdError` if containerd cannot be reached. `CancellationError`.
    public func list() async throws -> [FoundContainer] {
        let records = try await client.containers(filters: ["labels.\"\(Self.sandboxLabel)\""])
        let tasks = Dictionary(
            try await client.tasks().map { ($0.containerID, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var found = records.map { record in
            FoundContainer(
                id: record.id,
                status: ContainerStatus(tasks[record.id]),
                address: record.labels[Self.addressLabel],
                image: record.image
            )
        }
        let known = Set(found.map(\.id))
        let folder = folder
        let folders =
            await (try? BlockingWork.run { try FileManager.default.contentsOfDirectory(atPath: folder) }) ?? []
        for id in folders where !known.contains(id) && ContainerSpecification.isIdentifier(id) {
            found.append(FoundContainer(id: id, status: .absent, address: nil, image: nil))
        }
        return found.sorted { $0.id < $1.id }
    }

    /// Follows the ends of sandboxes for as long as `body` runs.
    ///
    /// When `body` begins, no end from then on is missed, so it first looks at the state and then reads the sequence.
    ///
    /// - Parameter body: reads the ends at its own pace; containerd keeps what was not read yet.
    /// - Throws: what `body` throws; reading throws `ContainerdError` when the connection breaks: call it again then.
    public func withExits<Result: Sendable>(
        _ body: @escaping @Sendable (ContainerExits) async throws -> Result
    ) async throws -> Result {
        try await client.withEvents(topics: ["/tasks/exit"]) { events in
            try await body(ContainerExits(events: events))
        }
    }
}

/// Ends of sandboxes' first processes as they happen. It can be read once, while `ContainerRuntime.withExits` runs.
public struct ContainerExits: AsyncSequence, AsyncIteratorProtocol {
    var events: ContainerdEvents

    /// One end.
    public struct Element: Sendable, Hashable {
        /// The sandbox's identity.
        public var id: String
        /// How it ended.
        public var exit: ContainerExit
    }

    /// The next end; nil never comes while the connection stands.
    public mutating func next() async throws -> Element? {
        while let event = try await events.next() {
            // Processes that were started beside the first one end too, under names of their own.
            guard case .exited(let container, let process, _, let exit)? = event.task, container == process else {
                continue
            }
            return Element(id: container, exit: ContainerExit(exit))
        }
        return nil
    }

    /// The sequence itself: there is only one.
    public func makeAsyncIterator() -> ContainerExits { self }
}

extension ContainerStatus {
    init(_ task: ContainerTask?) {
        guard let task else {
            self = .stopped(ContainerExit(code: nil, at: nil))
            return
        }
        switch task.status {
        case .created: self = .created(processID: task.pid)
        case .running, .pausing, .unknown: self = .running(processID: task.pid)
        case .paused: self = .paused(processID: task.pid)
        case .stopped: self = .stopped(task.exit.map(ContainerExit.init) ?? ContainerExit(code: nil, at: nil))
        }
    }
}

extension ContainerExit {
    init(_ exit: TaskExit) {
        self.init(code: exit.status, at: exit.at)
    }
}
