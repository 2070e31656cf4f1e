// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What happens to a sandbox when its time is over, and how long it is kept then.
public struct TimeoutPolicy: Sendable, Hashable, Codable {
    /// What happens. The raw values are the E2B API's words.
    public enum Action: String, Sendable, Hashable, Codable, CaseIterable {
        /// It is deleted.
        case delete = "kill"
        /// It is paused.
        case pause
    }

    /// What happens when its time is over.
    public var action: Action
    /// For how long it is kept while it is paused, whoever has paused it.
    public var retention: PausedRetention
    /// How many seconds it has at least after each resume, however few were asked for.
    public var leastAfterResume: Double

    /// Creates a policy.
    public init(
        _ action: Action = .delete,
        retention: PausedRetention = .forever,
        leastAfterResume: Double = 0
    ) {
        self.action = action
        self.retention = retention
        self.leastAfterResume = leastAfterResume
    }
}

/// For how long a paused sandbox is kept.
public enum PausedRetention: Sendable, Hashable, Codable {
    /// Until somebody deletes it.
    case forever
    /// For so many seconds.
    case seconds(Double)

    /// The seconds, if they end.
    public var seconds: Double? {
        switch self {
        case .forever: nil
        case .seconds(let seconds): seconds
        }
    }
}
