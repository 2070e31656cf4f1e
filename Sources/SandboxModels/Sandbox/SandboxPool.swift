// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// A pool of ready sandboxes as those see it who ask an API for one.
public struct SandboxPool: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// How many it keeps.
    public var capacity: PoolCapacity
    /// How many there are; nil while nobody has counted yet.
    public var status: Status?
    /// When it was created.
    public var createdAt: Date

    /// How many sandboxes there are in a pool.
    public struct Status: Sendable, Hashable {
        /// All of them.
        public var total: Int
        /// Those that were given away.
        public var allocated: Int
        /// Those that can be given away at once.
        public var available: Int
        /// The revision of its template.
        public var revision: String

        /// Creates a status from its values.
        public init(total: Int, allocated: Int, available: Int, revision: String) {
            self.total = total
            self.allocated = allocated
            self.available = available
            self.revision = revision
        }
    }

    /// Creates a pool from its values.
    public init(name: String, capacity: PoolCapacity, status: Status?, createdAt: Date) {
        self.name = name
        self.capacity = capacity
        self.status = status
        self.createdAt = createdAt
    }
}
