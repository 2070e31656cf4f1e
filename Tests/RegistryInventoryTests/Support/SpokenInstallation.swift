// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import RegistryInventory
import Synchronization

/// An installation whose records a test says, and may change each time they are asked for.
final class SpokenInstallation: Installation {
    let name = "the test's installation"
    private let records: @Sendable (_ turn: Int) throws -> [String]
    private let turns = Mutex(0)

    /// - Parameter records: gets how often it was asked before.
    init(_ records: @escaping @Sendable (_ turn: Int) throws -> [String]) {
        self.records = records
    }

    var asked: Int { turns.withLock { $0 } }

    func addReferences(to index: inout ReferenceIndex) async throws {
        let turn = turns.withLock { turns in
            defer { turns += 1 }
            return turns
        }
        for record in try records(turn) { index.add(record, holder: "record") }
    }
}
