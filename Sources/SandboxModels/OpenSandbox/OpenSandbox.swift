// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What the three kinds of the OpenSandbox dialect have in common: the group that they are served in.
///
/// Its names are OpenSandbox's own (`kubernetes/apis/sandbox/v1alpha1`), so that its clients need no change.
public enum OpenSandbox {
    /// The API group.
    public static let group = "sandbox.opensandbox.io"
    /// The only version there is.
    public static let version = "v1alpha1"
}
