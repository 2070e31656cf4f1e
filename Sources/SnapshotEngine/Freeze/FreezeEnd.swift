// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why a freeze is over.
public enum FreezeEnd: String, Sendable, Hashable, Codable {
    /// It was thawed on demand.
    case thawed
    /// It was thawed because its deadline had passed.
    case deadline
    /// It was thawed because the process that held it was told to end, ended, or gave no answer any more.
    case holderLost
    /// It was sealed, and its processes were killed while they were frozen.
    case killed
}
