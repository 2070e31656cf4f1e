// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The blobs that one writer has put into an image layout and that no manifest of its own names yet.
///
/// Each is claimed by an empty file, locked for as long as this object lives. So a blob whose writer has failed or died
/// is told from one that somebody else has put there and means to keep: a claim without a lock is nobody's any more, and
/// what it names can go unless a manifest needs it (`ImageLayoutRepository.removeUnfinished`).
final class LayoutClaims: Sendable {
    static let prefix = ".claim-"

    private let files = Mutex<[Digest: OpenFile]>([:])

    /// The name of a new claim's file.
    static func name(of digest: Digest) -> String {
        let random = String(UInt64.random(in: .min ... .max), radix: 36)
        return "\(prefix)\(random)-\(digest.algorithm.rawValue)-\(digest.hex)"
    }

    /// The blob that a file of this name claims; `nil` if it is no claim.
    static func digest(of name: String) -> Digest? {
        guard name.hasPrefix(prefix) else { return nil }
        let parts = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        return try? Digest(parsing: "\(parts[1]):\(parts[2])")
    }

    /// Keeps a claim until `settle`.
    func keep(_ file: OpenFile, on digest: Digest) {
        files.withLock { $0[digest] = file }
    }

    /// Gives up the claims on blobs that a manifest names from now on.
    func settle(_ digests: some Sequence<Digest>) {
        let settled = files.withLock { files in digests.compactMap { files.removeValue(forKey: $0) } }
        for file in settled { file.remove() }
    }
}
