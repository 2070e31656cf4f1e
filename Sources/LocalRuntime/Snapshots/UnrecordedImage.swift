// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// An image that a capture may have stored although nothing that is written down names it: the capture failed at the very
/// end, or its process was killed between storing the image and writing that down.
struct UnrecordedImage: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "unrecordedImage"

    /// Where it would be.
    var target: String
    /// The uid of the capture.
    var capture: String
    /// The sandbox that was captured.
    var sandbox: String

    /// Makes the table.
    static func makeTable(_ database: Database) throws {
        try database.create(table: databaseTableName) { table in
            table.primaryKey("target", .text)
            table.column("capture", .text).notNull()
            table.column("sandbox", .text).notNull()
        }
    }
}
