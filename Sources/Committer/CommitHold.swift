// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// Who holds the pod frozen after a commit, and until when: a commit that is the first half of a pause.
public struct CommitHold: Sendable, Hashable {
    /// Where the holder listens (`stasis-committer hold --listen`): `STASIS_HOLD_SOCKET`.
    public var socket: String
    /// When the pod is thawed unless the freeze was sealed before: `STASIS_FREEZE_UNTIL`, as RFC 3339 has it.
    public var until: Date
    /// After what time it is thawed in any case: `STASIS_FREEZE_SECONDS`. Nil if only the date counts.
    public var longestFreeze: Duration?

    /// Creates a hold from its values.
    public init(socket: String, until: Date, longestFreeze: Duration? = nil) {
        self.socket = socket
        self.until = until
        self.longestFreeze = longestFreeze
    }

    /// What the environment says; nil if it says nothing.
    ///
    /// - Throws: `CommitterError` if it says only half of it, or no time.
    public init?(environment: [String: String]) throws(CommitterError) {
        let socket = environment["STASIS_HOLD_SOCKET"] ?? ""
        let text = environment["STASIS_FREEZE_UNTIL"] ?? ""
        guard !socket.isEmpty || !text.isEmpty else { return nil }
        guard !socket.isEmpty, !text.isEmpty else {
            throw CommitterError(.invalidArgument, "set both of STASIS_HOLD_SOCKET and STASIS_FREEZE_UNTIL, or none")
        }
        guard let until = Self.date(text) else {
            throw CommitterError(
                .invalidArgument,
                "STASIS_FREEZE_UNTIL is \"\(text)\", not a time such as 2026-01-31T12:00:00Z"
            )
        }
        self.init(socket: socket, until: until, longestFreeze: try CommitterSettings.longestFreeze(environment))
    }

    private static func date(_ text: String) -> Date? {
        let whole = try? Date(text, strategy: Date.ISO8601FormatStyle())
        return whole ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}
