// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

/// How many images of its pauses a sandbox keeps in the store, and how often one is tried to be deleted.
public struct RetentionPolicy: Sendable, Hashable {
    /// How many of each replica, the one that it would resume from included; 0 for all.
    public var generations: Int
    /// Seconds after which it is looked again whether something still refers to an image.
    public var recheckAfter: Double
    /// Seconds after which a store that could not be asked is asked again; twice as many after each try.
    public var retryAfter: Double
    /// The longest of these pauses.
    public var longestRetry: Double
    /// How often a store is asked that cannot be reached, before its image is left there.
    public var attempts: Int
    /// The same for a sandbox that is deleted, which waits for that.
    public var lastAttempts: Int

    /// Creates a policy; the default keeps all. A store that cannot be reached is asked for three hours.
    public init(
        generations: Int = 0,
        recheckAfter: Double = 900,
        retryAfter: Double = 10,
        longestRetry: Double = 3600,
        attempts: Int = 12,
        lastAttempts: Int = 4
    ) {
        self.generations = generations
        self.recheckAfter = recheckAfter
        self.retryAfter = retryAfter
        self.longestRetry = longestRetry
        self.attempts = attempts
        self.lastAttempts = lastAttempts
    }

    /// When a store is asked again that could not be reached so often.
    func nextTry(after attempts: Int, at now: Date) -> Date {
        var pause = retryAfter
        for _ in 1..<max(attempts, 1) where pause < longestRetry { pause *= 2 }
        return now.addingTimeInterval(min(pause, longestRetry))
    }
}
