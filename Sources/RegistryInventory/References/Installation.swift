// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Something that has records of sandboxes and snapshots, which name images.
public protocol Installation: Sendable {
    /// What people call it: `cluster prod`.
    var name: String { get }

    /// Adds everything that its records name, as they are now.
    ///
    /// - Throws: `InstallationError` if a part of them cannot be read: nothing may be deleted then.
    func addReferences(to index: inout ReferenceIndex) async throws
}

/// An installation's records cannot be read.
public struct InstallationError: Error, Sendable, CustomStringConvertible {
    /// The installation.
    public var installation: String
    /// What happened, and what to do.
    public var message: String
    /// What it came from.
    public var cause: (any Error)?

    /// Creates an error.
    public init(_ installation: String, _ message: String, cause: (any Error)? = nil) {
        self.installation = installation
        self.message = message
        self.cause = cause
    }

    /// One line.
    public var description: String {
        "what \(installation) needs cannot be read, so nothing is deleted: \(message)"
            + (cause.map { " (\($0))" } ?? "")
    }
}

extension [any Installation] {
    /// Asks all of them, side by side.
    ///
    /// - Throws: `InstallationError` of the first that cannot be read.
    func references(to repositories: [String]) async throws -> ReferenceIndex {
        try await withThrowingTaskGroup(of: ReferenceIndex.self) { group in
            for installation in self {
                group.addTask {
                    var index = ReferenceIndex(repositories: repositories)
                    try await installation.addReferences(to: &index)
                    return index
                }
            }
            return try await group.reduce(into: ReferenceIndex(repositories: repositories)) { $0.merge($1) }
        }
    }
}
