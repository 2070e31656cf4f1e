// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What a freeze is like now.
public struct FreezeStatus: Sendable, Hashable, Codable {
    /// How far a freeze is.
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// The holder has never heard of it.
        case unknown
        /// Some containers may be frozen already.
        case freezing
        /// Everything is frozen, and can still be thawed.
        case held
        /// Everything is frozen and is never thawed, only killed.
        case sealed
        /// Everything runs again, or was never frozen and will not be.
        case thawed
        /// All processes were killed while they were frozen.
        case killed
    }

    /// The freeze's ID.
    public var id: String
    /// How far it is.
    public var state: State
    /// When it is thawed unless it is sealed before; nil if it was never begun.
    public var deadline: Date?
    /// How long it has frozen, up to now or to its end; in a holder that has taken over from one that died, from then on.
    public var frozenMilliseconds: Int64
    /// What whoever froze has said to have captured; nil before that, and in a holder that has taken over.
    public var captured: [String]?

    /// Creates a status from its values.
    public init(
        id: String,
        state: State,
        deadline: Date? = nil,
        frozenMilliseconds: Int64 = 0,
        captured: [String]? = nil
    ) {
        self.id = id
        self.state = state
        self.deadline = deadline
        self.frozenMilliseconds = frozenMilliseconds
        self.captured = captured
    }
}
