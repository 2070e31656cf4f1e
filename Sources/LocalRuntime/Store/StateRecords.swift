// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRDB

import class Foundation.FileManager

/// All that a state folder's database says, as text, for those who look for something in it. It is only read, and may be in
/// use by a server.
public struct StateRecords: Sendable {
    /// One row.
    public struct Record: Sendable, Hashable {
        /// The table.
        public let table: String
        /// The value of its first column, which is its key.
        public let key: String
        /// All its texts, a line each.
        public let text: String
    }

    /// The database cannot be read.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// What happened, and what to do.
        public let description: String
    }

    private let path: String

    /// The database of a state folder. Nothing is opened yet.
    public init(stateFolder: String) {
        path = "\(stateFolder)/sandboxes.sqlite"
    }

    /// All rows of all tables, as they were at one moment.
    ///
    /// - Throws: `Failure`.
    public func all() async throws -> [Record] {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(description: "there is no \(path): see whether it is the configuration that you mean")
        }
        do {
            var configuration = Configuration()
            configuration.readonly = true
            // A server writes in passing.
            configuration.busyMode = .timeout(10)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let records = try await queue.read { database in
                let tables = try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
                guard tables.contains(SandboxRow.databaseTableName) else {
                    throw Failure(description: "\(path) is no database of a server's sandboxes")
                }
                return try tables.flatMap { try Self.records(of: $0, database) }
            }
            try queue.close()
            return records
        } catch let error as DatabaseError {
            throw Failure(description: "\(path) cannot be read: \(error)")
        }
    }

    private static func records(of table: String, _ database: Database) throws -> [Record] {
        try Row.fetchAll(database, sql: "SELECT * FROM \(table.quotedDatabaseIdentifier)").map { row in
            let texts = row.databaseValues.compactMap { String.fromDatabaseValue($0) }
            return Record(table: table, key: texts.first ?? "", text: texts.joined(separator: "\n"))
        }
    }
}
