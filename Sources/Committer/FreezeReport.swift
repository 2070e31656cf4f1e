// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SnapshotEngine

import struct Foundation.Date

/// What a freeze is like, as programs read it.
public struct FreezeReport: Sendable, Hashable {
    private struct Document: Encodable {
        var id: String
        var state: FreezeStatus.State
        var deadline: String?
        var frozenMilliseconds: Int64
    }

    /// One line of JSON: `id`, `state`, `deadline` (to the second, in UTC; absent if there is none), `frozenMilliseconds`.
    public let line: String

    /// The report on a freeze.
    public init(_ status: FreezeStatus) {
        line = String(
            CommitReport.line(
                Document(
                    id: status.id,
                    state: status.state,
                    deadline: status.deadline?.formatted(.iso8601),
                    frozenMilliseconds: status.frozenMilliseconds
                )
            )
            .dropLast()
        )
    }
}
