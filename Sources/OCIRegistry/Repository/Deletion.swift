// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What became of a deletion.
public enum Deletion: Sendable, Hashable {
    /// It is gone now.
    case deleted
    /// It was not there.
    case absent
    /// The registry does not delete (405): it stays until the registry's owner removes it.
    case unsupported
}
