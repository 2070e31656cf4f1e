// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a task executor is told by whoever starts it.
public struct TaskExecutorSettings: Sendable, Hashable {
    /// The folder in which each task has a folder of its name.
    public var dataFolder = "/var/lib/sandbox/tasks"
    /// The address to listen on.
    public var host = "0.0.0.0"
    /// The port to listen on; 0 for any that is free.
    public var port = 5758
    /// The container whose processes tasks are run among; `nil` to run them beside the executor. It is found by the variable
    /// `SANDBOX_MAIN_CONTAINER` that its processes have.
    public var mainContainer: String?
    /// For how long a task is asked to end before it is killed.
    public var gracePeriod = Duration.seconds(10)

    /// Creates the defaults.
    public init() {}

    /// Takes an address as Go's programs write it: `0.0.0.0:5758`, `:5758`, `[::1]:5758`.
    ///
    /// - Throws: `TaskExecutorError` if it is none.
    public mutating func listen(on address: String) throws(TaskExecutorError) {
        guard let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else {
            throw .usage("'\(address)' is no address to listen on; write <host>:<port>, such as 0.0.0.0:5758")
        }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.host = host.isEmpty ? "0.0.0.0" : String(host)
        self.port = Int(port)
    }
}

/// Why a task executor did not do what it should.
public enum TaskExecutorError: Error, Sendable, Hashable {
    /// What it was started with makes no sense.
    case usage(String)
    /// What a request says makes no sense.
    case request(String)
    /// There is no such task.
    case notFound(String)
    /// It could not be done.
    case failed(String)
}

extension TaskExecutorError: CustomStringConvertible {
    /// What happened.
    public var description: String {
        switch self {
        case .usage(let message), .request(let message), .failed(let message): message
        case .notFound(let name): "task not found: task \(name) not found"
        }
    }
}
