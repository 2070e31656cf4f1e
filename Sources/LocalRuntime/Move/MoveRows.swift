// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// What is remembered of moves besides what stands in the sandboxes' own rows.
struct MoveRows: Sendable {
    let database: StateDatabase

    /// Refuses a request for ever.
    func refuse(_ key: String) async throws {
        try await database.write { database in
            try database.execute(sql: "INSERT OR IGNORE INTO refusedRequest (key) VALUES (?)", arguments: [key])
        }
    }

    /// Whether a request was refused for ever.
    func isRefused(_ key: String) async throws -> Bool {
        try await database.read { database in
            try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM refusedRequest WHERE key = ?)",
                arguments: [key]
            ) ?? false
        }
    }

    /// Remembers images from which sandboxes of other servers start: they are not ours to delete any more.
    func lend(_ digests: [String]) async throws {
        try await database.write { database in
            for digest in digests {
                try database.execute(sql: "INSERT OR IGNORE INTO lentImage (digest) VALUES (?)", arguments: [digest])
            }
        }
    }

    /// The images from which sandboxes of other servers may start.
    func lentImages() async throws -> [String] {
        try await database.read { database in
            try String.fetchAll(database, sql: "SELECT digest FROM lentImage ORDER BY digest")
        }
    }

    /// Makes the tables and the column of the sandboxes' own.
    static func makeTables(_ database: Database) throws {
        try database.alter(table: SandboxRow.databaseTableName) { table in
            table.add(column: "move", .jsonText)
        }
        try database.create(table: "refusedRequest") { table in
            table.primaryKey("key", .text)
        }
        try database.create(table: "lentImage") { table in
            table.primaryKey("digest", .text)
        }
    }
}
