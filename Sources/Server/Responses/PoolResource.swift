// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// A pool as the API writes it. What is not there is left out.
struct PoolResource: Encodable {
    struct Capacity: Encodable {
        var bufferMax: Int
        var bufferMin: Int
        var poolMax: Int
        var poolMin: Int
    }

    struct Status: Encodable {
        var total: Int
        var allocated: Int
        var available: Int
        var revision: String
    }

    var name: String
    var capacitySpec: Capacity
    var status: Status?
    var createdAt: Date

    init(_ pool: SandboxPool) {
        name = pool.name
        capacitySpec = Capacity(
            bufferMax: pool.capacity.bufferMax,
            bufferMin: pool.capacity.bufferMin,
            poolMax: pool.capacity.poolMax,
            poolMin: pool.capacity.poolMin
        )
        status = pool.status.map {
            Status(total: $0.total, allocated: $0.allocated, available: $0.available, revision: $0.revision)
        }
        createdAt = pool.createdAt
    }
}

/// All pools.
struct PoolList: Encodable {
    var items: [PoolResource]
}
