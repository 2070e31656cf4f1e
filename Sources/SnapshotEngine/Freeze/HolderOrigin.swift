// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A holder's process that somebody else has started and that listens at a unix socket (`ListeningHolder`), and how it is
/// treated.
public struct HolderSocket: Sendable, Hashable {
    /// The socket's path, at most 107 bytes.
    public var path: String
    /// How long it is waited for: it may be started at the same time.
    public var startLimit: Duration = .seconds(30)
    /// How long it may give no sign of life, while it is asked something or holds a freeze, until it is taken for lost.
    public var patience: Duration = .seconds(10)
    /// How long a task that was cancelled waits for a thaw that does not succeed. The holder then goes on alone.
    public var grace: Duration = .seconds(5)

    /// Creates a socket from its path.
    public init(path: String) {
        self.path = path
    }
}

/// Where a holder's process comes from.
enum HolderOrigin: Sendable {
    /// It is a child, to be started with further options.
    case child(HolderCommand, options: [String])
    /// Somebody else has started it.
    case listening(HolderSocket)

    var patience: Duration {
        switch self {
        case .child(let command, _): command.patience
        case .listening(let socket): socket.patience
        }
    }

    var grace: Duration {
        switch self {
        case .child(let command, _): command.grace
        case .listening(let socket): socket.grace
        }
    }

    /// Whether the holder is certainly dead when the connection to it has ended.
    var endsWithConnection: Bool {
        if case .child = self { true } else { false }
    }
}
