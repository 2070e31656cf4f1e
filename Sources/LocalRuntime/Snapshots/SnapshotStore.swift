// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import SandboxModels

/// The snapshots' rows, in the database of the sandboxes. A write that has returned survives a power cut.
struct SnapshotStore: Sendable {
    private let database: StateDatabase

    /// The snapshots in a database that has their tables.
    init(database: StateDatabase) {
        self.database = database
    }

    /// Adds a snapshot.
    func insert(_ row: SnapshotRow) async throws {
        try await database.write { database in try row.insert(database) }
    }

    /// Replaces a snapshot's row.
    func update(_ row: SnapshotRow) async throws {
        try await database.write { database in try row.update(database) }
    }

    /// Removes the row, if it is there.
    func remove(_ id: String) async throws {
        _ = try await database.write { database in try SnapshotRow.deleteOne(database, key: id) }
    }

    /// All rows, oldest first.
    func all() async throws -> [SnapshotRow] {
        try await database.read { database in try SnapshotRow.order(Column("createdAt")).fetchAll(database) }
    }

    /// Remembers an artifact that is still referred to and belongs to nobody.
    func retain(_ artifact: Artifact) async throws {
        try await database.write { database in try RetainedArtifactRow(artifact).upsert(database) }
    }

    /// Forgets an artifact that is deleted.
    func forget(_ retained: RetainedArtifactRow) async throws {
        _ = try await database.write { database in try RetainedArtifactRow.deleteOne(database, key: retained.id) }
    }

    /// The artifacts that belonged to nobody when they were last looked at.
    func retained() async throws -> [RetainedArtifactRow] {
        try await database.read { database in try RetainedArtifactRow.fetchAll(database) }
    }

    /// Remembers an image that is to be looked for and deleted.
    func postpone(_ image: UnrecordedImage) async throws {
        try await database.write { database in try image.upsert(database) }
    }

    /// Forgets an image that is deleted, or was never there.
    func forget(_ image: UnrecordedImage) async throws {
        _ = try await database.write { database in try UnrecordedImage.deleteOne(database, key: image.target) }
    }

    /// The images that are to be looked for and deleted.
    func postponed() async throws -> [UnrecordedImage] {
        try await database.read { database in try UnrecordedImage.fetchAll(database) }
    }

    /// Adds the columns of what snapshots have known since there are owners.
    static func addOwners(_ database: Database) throws {
        try database.alter(table: SnapshotRow.databaseTableName) { table in
            table.add(column: "owner", .text)
            table.add(column: "source", .jsonText)
            table.add(column: "timeToLive", .double)
        }
    }

    /// Adds the column of what lists leave out.
    static func addPurpose(_ database: Database) throws {
        try database.alter(table: SnapshotRow.databaseTableName) { $0.add(column: "isInternal", .boolean) }
    }

    /// Makes the tables.
    static func makeTables(_ database: Database) throws {
        try database.create(table: SnapshotRow.databaseTableName) { table in
            table.primaryKey("id", .text)
            table.column("sandboxID", .text).notNull()
            table.column("name", .text)
            table.column("status", .jsonText).notNull()
            table.column("createdAt", .datetime).notNull()
            table.column("artifact", .jsonText)
            table.column("unfinished", .text)
        }
        try database.create(table: RetainedArtifactRow.databaseTableName) { table in
            table.primaryKey("id", .text)
            table.column("artifact", .jsonText).notNull()
        }
    }
}
