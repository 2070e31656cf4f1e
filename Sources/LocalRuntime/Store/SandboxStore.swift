// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Logging
import SandboxModels

import class Foundation.JSONEncoder

/// The sandboxes' rows in SQLite. A write that has returned survives a power cut.
struct SandboxStore: Sendable {
    private let database: StateDatabase

    /// Opens the file, creating or migrating it.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if it cannot be opened or is not ours.
    init(path: String) throws {
        database = try StateDatabase(path: path, migrator: Self.migrator)
    }

    /// The snapshots in the same database.
    var snapshots: SnapshotStore { SnapshotStore(database: database) }

    /// Adds a sandbox, and that it was asked for.
    func insert(_ row: SandboxRow) async throws {
        try await database.write { database in
            try row.insert(database)
            try SandboxEventRow.append([.created(at: row.createdAt)], of: row.id, database)
        }
    }

    /// Replaces what its owner wants of a sandbox, unless a later wish is there already: two that are stated at once may
    /// arrive here in the other order. Nothing else of the row is touched, so that this and `update(recorded:of:)`
    /// cannot undo one another.
    func update(intent: Intent, of id: String) async throws {
        try await update(
            "intent",
            to: try json(intent),
            of: id,
            where: "json_extract(intent, '$.generation') <= \(intent.generation)"
        )
    }

    /// Replaces what the state machine has written down about a sandbox, and adds what happened to it thereby.
    func update(recorded: Recorded, of id: String, events: [SandboxEvent] = []) async throws {
        try await update("recorded", to: try json(recorded), of: id, events: events)
    }

    /// Replaces what its owner asked for; after the creation only the metadata in it changes.
    func update(spec: SandboxSpec, of id: String) async throws {
        try await update("spec", to: try json(spec), of: id)
    }

    /// Replaces what is written down of its move.
    func update(move: Move?, of id: String) async throws {
        try await update("move", to: try move.map { try json($0) }, of: id)
    }

    /// What moves have left to be remembered.
    var moves: MoveRows { MoveRows(database: database) }

    private func update(
        _ column: String,
        to value: String?,
        of id: String,
        where condition: String = "TRUE",
        events: [SandboxEvent] = []
    ) async throws {
        let isThere = try await database.write { database in
            try SandboxRow.filter(key: id).filter(sql: condition)
                .updateAll(database, Column(column).set(to: value))
            guard try SandboxRow.exists(database, key: id) else { return false }
            try SandboxEventRow.append(events, of: id, database)
            return true
        }
        guard isThere else { throw SandboxError(.notFound, "there is no sandbox \(id) in the database any more") }
    }

    /// The form in which GRDB itself writes a column of a Codable record.
    private func json(_ value: some Encodable) throws -> String {
        String(decoding: try SandboxRow.databaseJSONEncoder(for: "").encode(value), as: UTF8.self)
    }

    /// Removes the row, if it is there.
    func remove(_ id: String) async throws {
        _ = try await database.write { database in try SandboxRow.deleteOne(database, key: id) }
    }

    /// Adds something that happened to a sandbox, if it is there.
    func add(_ events: [SandboxEvent], of id: String) async throws {
        try await database.write { database in
            guard try SandboxRow.exists(database, key: id) else { return }
            try SandboxEventRow.append(events, of: id, database)
        }
    }

    /// What happened to a sandbox, oldest first; the last `SandboxEventRow.most` events are kept.
    func events(of id: String) async throws -> [SandboxEvent] {
        try await database.read { database in try SandboxEventRow.all(of: id, database) }
    }

    /// All rows, oldest first.
    func all() async throws -> [SandboxRow] {
        try await database.read { database in try SandboxRow.order(Column("createdAt")).fetchAll(database) }
    }

    /// Closes the file; later calls throw.
    func close() throws {
        try database.close()
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 sandboxes") { database in
            try database.create(table: SandboxRow.databaseTableName) { table in
                table.primaryKey("id", .text)
                table.column("spec", .jsonText).notNull()
                table.column("createdAt", .datetime).notNull()
                table.column("lifetime", .double)
                table.column("intent", .jsonText).notNull()
                table.column("recorded", .jsonText).notNull()
                table.column("image", .text).notNull()
            }
        }
        migrator.registerMigration("2 snapshots", migrate: SnapshotStore.makeTables)
        migrator.registerMigration("3 events", migrate: SandboxEventRow.makeTable)
        migrator.registerMigration("4 unrecorded images", migrate: UnrecordedImage.makeTable)
        migrator.registerMigration("5 owners of snapshots", migrate: SnapshotStore.addOwners)
        migrator.registerMigration("6 purpose of snapshots", migrate: SnapshotStore.addPurpose)
        migrator.registerMigration("7 moves", migrate: MoveRows.makeTables)
        return migrator
    }
}
