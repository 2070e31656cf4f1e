// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How a capture comes to be one instant. What results is the same: the tree as it was when it was frozen.
public enum CaptureConsistency: String, Sendable, Hashable, CaseIterable {
    /// Copy while the sandbox runs, freeze it, and copy what has changed since. Where that is not possible (a filesystem
    /// that writes nothing back) or does not pay (there is little to copy), the same as `freeze`.
    case live
    /// Freeze, and copy everything.
    case freeze
}
