// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why a request about a sandbox was refused or failed, before any API has turned it into its own codes.
public struct SandboxError: Error, Sendable, CustomStringConvertible {
    /// The kinds of errors that APIs tell apart.
    public enum Code: String, Sendable, Hashable {
        /// There is no such sandbox.
        case notFound
        /// The sandbox is in a state in which this cannot be asked.
        case invalidState
        /// The sandbox has no time at which it expires, so none can be changed.
        case neverExpires
        /// A snapshot can only be taken of a sandbox that runs and is not being captured.
        case snapshotSourceNotRunning
        /// There is no such snapshot.
        case snapshotNotFound
        /// The snapshot is still being taken, or failed, so nothing can be created from it.
        case snapshotNotReady
        /// What the snapshot holds cannot be what a sandbox starts from.
        case snapshotNotRestorable
        /// The snapshot is still being taken, so it cannot be deleted.
        case snapshotBusy
        /// The request itself is wrong; nothing was done.
        case invalidParameter
        /// A volume's path on the machine is none that sandboxes may use.
        case hostPathNotAllowed
        /// A volume's path on the machine cannot be mounted.
        case invalidHostPath
        /// A volume's folder on the machine cannot be made or opened.
        case hostPathUnavailable
        /// A volume's sub path leads out of the volume, or to nothing that can be mounted.
        case invalidSubPath
        /// A volume cannot be mounted at that path of the sandbox.
        case invalidMountPath
        /// There is no volume of that name.
        case volumeNotFound
        /// There is no such pool.
        case poolNotFound
        /// There is a pool of that name already.
        case poolExists
        /// The runtime has no pools.
        case poolsUnsupported
        /// The pool has no sandbox to give for now; the same request can succeed later.
        case poolExhausted
        /// There is nothing of that name to create a sandbox from.
        case templateNotFound
        /// The name that was asked for is taken.
        case nameTaken
        /// The same key came with another request before.
        case requestKeyReused
        /// What the owner's quota allows is used up.
        case quotaExceeded
        /// The sandbox did not come up in the time that a request waits for it.
        case startTimedOut
        /// The image does not exist, cannot be reached or cannot be used here.
        case imageUnavailable
        /// The sandbox has no address now, because it is paused or not up yet.
        case addressUnavailable
        /// The sandbox did not come up.
        case startFailed
        /// The runtime cannot do this at all.
        case unsupported
        /// The runtime itself is unreachable or broken.
        case runtimeUnavailable
    }

    /// The kind.
    public var code: Code
    /// What happened, to what, and what to do.
    public var message: String
    /// What it came from.
    public var cause: (any Error)?
    /// Whether the cause's words may be told to whoever asked, because they speak of what was asked for and hold nothing
    /// that is only the runtime's.
    public var tellsCause: Bool

    /// Creates an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil, tellsCause: Bool = false) {
        self.code = code
        self.message = message
        self.cause = cause
        self.tellsCause = tellsCause
    }

    /// What to tell whoever asked: the message, with the cause's words where these may be told.
    public var told: String { tellsCause ? description : message }

    /// The message and its cause.
    public var description: String {
        guard let cause else { return message }
        return "\(message) (\(cause))"
    }
}

extension SandboxError {
    /// Somebody was promised that a request creates nothing.
    public static let refusedRequest = SandboxError(
        .nameTaken,
        "The request was called off: whoever sent it was promised that it creates nothing. Send another key to create anew."
    )
}
