// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension KruiseControllers {
    /// Adds what sees to SandboxSets and SandboxClaims.
    mutating func addSets(_ parts: KruiseParts) {}
}
