// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import SandboxModels

/// The SQLite database with everything that this runtime keeps. A write that has returned survives a power cut.
struct StateDatabase: Sendable {
    private let queue: DatabaseQueue
    private let path: String

    /// Opens the file, creating it if it is not there and bringing its tables up to date.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if it cannot be opened or is not ours.
    init(path: String, migrator: DatabaseMigrator) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL")
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        self.path = path
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try migrator.migrate(queue)
        } catch {
            throw SandboxError(
                .runtimeUnavailable,
                "cannot open the sandboxes' database \(path): check that the folder exists, is writable and has space",
                cause: error
            )
        }
    }

    /// Changes something in one transaction, durably or not at all.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if the file cannot be written.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await queue.write(body)
        } catch let error as DatabaseError {
            let advice =
                switch error.resultCode {
                case .SQLITE_FULL: "the disk is full: free some space there"
                case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN: "check who may write there"
                default: "look whether the disk is full or damaged"
                }
            throw SandboxError(
                .runtimeUnavailable,
                "nothing can be written to the sandboxes' database \(path): \(advice)",
                cause: error
            )
        }
    }

    /// Reads one state of the database.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await queue.read(body)
    }

    /// Closes the file; later calls throw.
    func close() throws {
        try queue.close()
    }
}
