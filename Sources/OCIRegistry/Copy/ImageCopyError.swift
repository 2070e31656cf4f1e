// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why an image was not copied, and on which side that was.
public struct ImageCopyError: Error, Sendable, CustomStringConvertible {
    /// The two ends of a copy.
    public enum Side: String, Sendable, Hashable {
        /// Where the image is read.
        case source
        /// Where it is written.
        case target
    }

    /// The side that failed.
    public var side: Side
    /// What went wrong there.
    public var error: RegistryError

    /// Creates an error.
    public init(_ side: Side, _ error: RegistryError) {
        self.side = side
        self.error = error
    }

    /// One line for people. What was copied so far stays, so trying again copies the rest.
    public var description: String { "the copy's \(side.rawValue) failed: \(error)" }

    /// Runs what speaks with one side.
    static func on<Result>(_ side: Side, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as RegistryError {
            throw ImageCopyError(side, error)
        }
    }
}
