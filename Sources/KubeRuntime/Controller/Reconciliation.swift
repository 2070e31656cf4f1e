// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What is to be done about a key after it was looked at.
public enum Reconciliation: Sendable, Hashable {
    /// Nothing, until something happens to it.
    case done
    /// Looking at it again after a while.
    case requeue(after: Duration)
}

/// A failure that trying again does not mend, such as a wish that cannot be fulfilled: its key is not looked at again until
/// something happens to it.
public struct TerminalError: Error, CustomStringConvertible {
    /// What went wrong.
    public let cause: any Error

    /// Marks a failure.
    public init(_ cause: any Error) { self.cause = cause }

    /// What went wrong.
    public var description: String { String(describing: cause) }
}
