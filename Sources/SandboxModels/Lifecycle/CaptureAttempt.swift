// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// One attempt to capture a sandbox for a pause.
///
/// It freezes the sandbox at most once. What became of that freeze, sealed or thawed, is final for its `uid`: a second
/// try is another attempt.
public struct CaptureAttempt: Sendable, Hashable, Codable {
    /// Names it for ever, on the node and in the store; every step of a provider is idempotent by it.
    public var uid: String
    /// Its number among all attempts of its sandbox (`Recorded.attempts`).
    public var number: Int
    /// When the holder of the freeze thaws by itself, unless it was sealed before.
    public var deadline: Date

    /// Creates an attempt.
    public init(uid: String, number: Int, deadline: Date) {
        self.uid = uid
        self.number = number
        self.deadline = deadline
    }
}
