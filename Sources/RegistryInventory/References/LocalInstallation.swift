// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import LocalRuntime

/// A server on one machine: its database, which may be in use.
public struct LocalInstallation: Installation {
    /// What people call it.
    public let name: String
    private let stateFolder: String

    /// An installation by its state folder.
    public init(stateFolder: String) {
        self.stateFolder = stateFolder
        name = "the server with the state folder \(stateFolder)"
    }

    /// Reads all of it.
    public func addReferences(to index: inout ReferenceIndex) async throws {
        do {
            for record in try await StateRecords(stateFolder: stateFolder).all() {
                index.add(record.text, holder: "\(record.table) \(record.key) of \(name)")
            }
        } catch let error as StateRecords.Failure {
            throw InstallationError(name, error.description)
        }
    }
}
