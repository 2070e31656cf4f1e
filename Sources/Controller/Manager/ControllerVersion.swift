// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The version of this program, as `--version` and the user agent tell it.
public enum ControllerVersion {
    /// A semantic version.
    public static let current = "0.1.0"
}
