// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What the owner of a sandbox wants of it.
public enum Wish: String, Sendable, Hashable, Codable, CaseIterable {
    /// It should run.
    case running
    /// Only its artifact should be left.
    case paused
    /// It should be gone, for ever. No later wish takes this back.
    case deleted
}

/// What the owner of one sandbox asked for, as the machine reads it.
///
/// Each dialect and each API maps its own words to this; the machine knows no other.
public struct Intent: Sendable, Hashable, Codable {
    /// What is wanted.
    public var wish: Wish
    /// Counts how often `wish` was stated, the first statement being 1. An edit of anything else, a renewal or a
    /// label, leaves it alone: a number above `Recorded.acknowledged` is a new order, even if it repeats the wish.
    public var generation: Int
    /// What is to happen without anybody asking.
    public var timers: Timers

    /// Creates an intent.
    public init(wish: Wish, generation: Int, timers: Timers = Timers()) {
        self.wish = wish
        self.generation = generation
        self.timers = timers
    }
}

/// When something is to happen to a sandbox without anybody asking.
///
/// All are absolute but `deleteAfterFailure` and `deleteAfterPause`. A timer in the past acts at once.
public struct Timers: Sendable, Hashable, Codable {
    /// When a running sandbox is paused by itself (`pauseTime`). Each value acts once: a pause that fails is not tried
    /// again before this date is changed or a new wish is stated.
    public var pauseAt: Date?
    /// When the sandbox is deleted by itself (`expireTime`, `shutdownTime`).
    public var expireAt: Date?
    /// Whether `expireAt` also deletes a sandbox that is paused, or on its way there or back. Otherwise the date is
    /// disregarded until the sandbox runs again, and whoever resumes it had better state a new one.
    public var expiresWhilePaused: Bool
    /// After how many seconds a sandbox that has failed is deleted by itself, if ever.
    public var deleteAfterFailure: Double?
    /// After how many seconds a sandbox that is paused is deleted by itself, if ever; a resume that fails begins them anew.
    public var deleteAfterPause: Double?

    /// Creates timers; without arguments nothing ever happens by itself.
    public init(
        pauseAt: Date? = nil,
        expireAt: Date? = nil,
        expiresWhilePaused: Bool = true,
        deleteAfterFailure: Double? = nil,
        deleteAfterPause: Double? = nil
    ) {
        self.pauseAt = pauseAt
        self.expireAt = expireAt
        self.expiresWhilePaused = expiresWhilePaused
        self.deleteAfterFailure = deleteAfterFailure
        self.deleteAfterPause = deleteAfterPause
    }
}
