// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

/// What happens to a sandbox when its time is over, as the spec of its object says it.
///
/// A `pauseTime` means that it is paused then and deleted at `shutdownTime`; a `shutdownTime` alone that it is deleted; neither that
/// it has no timeout at all.
enum SandboxTimeout: Hashable {
    /// Nothing, ever.
    case never
    /// It is deleted.
    case delete(at: Date)
    /// It is paused, and deleted later on.
    case pause(at: Date, deleted: Date)

    /// Reads it.
    init(_ spec: KruiseSandboxSpec) {
        if let pause = spec.pauseTime?.date {
            self = .pause(at: pause, deleted: spec.shutdownTime?.date ?? .distantFuture)
        } else if let end = spec.shutdownTime?.date {
            self = .delete(at: end)
        } else {
            self = .never
        }
    }

    /// What a creator asks for.
    ///
    /// - Parameter end: When; nil for never.
    init(end: Date?, pauses: Bool, retention: PausedRetention) {
        guard let end else {
            self = .never
            return
        }
        self = pauses ? .pause(at: end, deleted: retention.end(from: end)) : .delete(at: end)
    }

    /// When its time is over; nil for never. That is what clients are told.
    var end: Date? {
        switch self {
        case .never: nil
        case .delete(let date), .pause(let date, _): date
        }
    }

    /// Whether it is paused when its time is over.
    var pauses: Bool {
        if case .pause = self { true } else { false }
    }

    /// The same with another end. Of one that never ends it stays so.
    func ending(at end: Date, retention: PausedRetention) -> SandboxTimeout {
        switch self {
        case .never: .never
        case .delete: .delete(at: end)
        case .pause: .pause(at: end, deleted: retention.end(from: end))
        }
    }

    /// The same with an end that is not earlier.
    func extended(to end: Date, retention: PausedRetention) -> SandboxTimeout {
        guard let present = self.end, end > present else { return self }
        return ending(at: end, retention: retention)
    }

    /// What it becomes when the sandbox is paused on request: it is kept for as long as it is to be kept. The time at which it
    /// would have been paused goes along, so that it can be told later on which kind it was.
    func paused(at now: Date, retention: PausedRetention) -> SandboxTimeout {
        let end = retention.end(from: now)
        return switch self {
        case .never: .never
        case .delete: .delete(at: end)
        case .pause: .pause(at: end, deleted: end)
        }
    }

    /// The members of the spec that say it.
    var members: [String: JSONValue] {
        func written(_ date: Date) -> JSONValue { date == .distantFuture ? .null : .string(SpelledTime(date).text) }
        return switch self {
        case .never: ["shutdownTime": .null, "pauseTime": .null]
        case .delete(let date): ["shutdownTime": written(date), "pauseTime": .null]
        case .pause(let date, let deleted): ["shutdownTime": written(deleted), "pauseTime": written(date)]
        }
    }
}
