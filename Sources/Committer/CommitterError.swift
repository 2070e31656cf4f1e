// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotEngine

/// Why the committer failed, in the form in which it ends the program.
public struct CommitterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of failure that a caller may want to tell apart.
    public enum Kind: Int32, Sendable, Hashable, CaseIterable {
        /// The capture or the thaw failed, or a signal ended it. What the committer had frozen runs again.
        case failed = 1
        /// The pod or one of its containers is not there, does not run, or is not the one that was meant.
        case notFound = 2
        /// containerd cannot be reached.
        case containerdUnavailable = 3
        /// The arguments or the environment make no sense.
        case invalidArgument = 64

        fileprivate var reason: String {
            switch self {
            case .failed: "CommitFailed"
            case .notFound: "ContainerGone"
            case .containerdUnavailable: "ContainerdUnavailable"
            case .invalidArgument: "InvalidArgument"
            }
        }
    }

    /// The kind.
    public var kind: Kind
    /// One CamelCase word for programs.
    public var reason: String
    /// What happened, to what, and what to do.
    public var message: String

    /// The program's exit status.
    public var exitStatus: Int32 { kind.rawValue }

    /// `reason: message`.
    public var description: String { "\(reason): \(message)" }

    /// Creates an error.
    public init(_ kind: Kind, reason: String? = nil, _ message: String) {
        self.kind = kind
        self.reason = reason ?? kind.reason
        self.message = message
    }

    /// What any error means for the program.
    public init(_ error: any Error) {
        switch error {
        case let error as CommitterError:
            self = error
        case let error as CaptureError:
            let kind: Kind =
                switch error.reason {
                case .containerGone: .notFound
                case .invalidRequest: .invalidArgument
                default: .failed
                }
            let advice =
                switch error.reason {
                case .freezeLost: "; STASIS_FREEZE_SECONDS says how long a freeze may last"
                case .stillFrozen: "; if that ends too, run unpause"
                default: ""
                }
            self.init(kind, reason: error.reason.rawValue, error.description + advice)
        case let error as ContainerFinderError:
            self.init(.notFound, error.description)
        case FreezeError.holderLost(let id):
            self.init(.failed, reason: "FreezeLost", FreezeError.holderLost(id: id).description)
        case FreezeError.sealed(let id):
            self.init(.failed, reason: "Sealed", FreezeError.sealed(id: id).description)
        case let error as FreezeError:
            self.init(.failed, reason: "FreezeFailed", error.description)
        case let error as ContainerdError where error.code == .unavailable || error.code == .permissionDenied:
            self.init(.containerdUnavailable, error.description)
        case is CancellationError:
            self.init(.failed, reason: "Interrupted", "it was ended before it was complete; nothing stays frozen")
        default:
            self.init(.failed, "\(error)")
        }
    }
}
