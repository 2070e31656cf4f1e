// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The version of this program, as `GET /version` and `--version` tell it.
public enum ServerVersion {
    /// A semantic version.
    public static let current = "0.1.0"
}
