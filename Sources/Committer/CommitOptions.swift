// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SnapshotEngine

/// How a commit is to be made.
public struct CommitOptions: Sendable {
    /// The images that containers were started from, by container name, as references with a digest; for those that are
    /// not named, containerd is asked.
    public var bases: [String: String] = [:]
    /// Names the snapshot, so that a second commit of it finds what the first has stored; see `isSnapshotUID`. Nil: every
    /// commit is a snapshot of its own.
    public var snapshotUID: String?
    /// Who holds the pod frozen afterwards; nil: it runs again.
    public var hold: CommitHold?
    /// Whether to copy before the freeze.
    public var consistency = CaptureConsistency.live
    /// How layers are compressed.
    public var compression = CaptureCompression.gzip

    /// Creates the usual options.
    public init() {}

    /// Whether a text can name a snapshot: 1 to 60 of `A-Z a-z 0-9 . _ -`, such as the UID of a Kubernetes object.
    public static func isSnapshotUID(_ text: String) -> Bool {
        (1...60).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    }
}
