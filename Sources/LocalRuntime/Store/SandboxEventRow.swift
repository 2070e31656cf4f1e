// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import SandboxModels

import struct Foundation.Date

/// Something that happened to a sandbox, in the database. It goes with its sandbox's row.
struct SandboxEventRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "event"

    /// How many events are kept for each sandbox, the last ones.
    static let most = 100

    /// Counts up; the database gives it.
    var number: Int64?
    /// The sandbox's identity.
    var sandboxID: String
    var at: Date
    var kind: SandboxEvent.Kind
    var reason: String
    var message: String

    /// Adds events to those of a sandbox and drops the oldest ones, in the transaction of what they tell of.
    static func append(_ events: [SandboxEvent], of id: String, _ database: Database) throws {
        guard !events.isEmpty else { return }
        for event in events {
            try SandboxEventRow(
                sandboxID: id,
                at: event.at,
                kind: event.kind,
                reason: event.reason,
                message: event.message
            )
            .insert(database)
        }
        let newest = ofSandbox(id).order(Column("number").desc)
        guard let oldestKept = try newest.limit(1, offset: most - 1).fetchOne(database)?.number else { return }
        try ofSandbox(id).filter(Column("number") < oldestKept).deleteAll(database)
    }

    /// The events of a sandbox, oldest first.
    static func all(of id: String, _ database: Database) throws -> [SandboxEvent] {
        try ofSandbox(id).order(Column("number")).fetchAll(database).map { row in
            SandboxEvent(at: row.at, row.reason, row.message, kind: row.kind)
        }
    }

    /// Makes the table. Rows go by themselves when their sandbox's row goes.
    static func makeTable(_ database: Database) throws {
        try database.create(table: databaseTableName) { table in
            table.autoIncrementedPrimaryKey("number")
            table.column("sandboxID", .text).notNull().indexed()
                .references(SandboxRow.databaseTableName, onDelete: .cascade)
            table.column("at", .datetime).notNull()
            table.column("kind", .text).notNull()
            table.column("reason", .text).notNull()
            table.column("message", .text).notNull()
        }
    }

    private static func ofSandbox(_ id: String) -> QueryInterfaceRequest<SandboxEventRow> {
        filter(Column("sandboxID") == id)
    }
}
