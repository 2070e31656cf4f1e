// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension KruiseControllers {
    /// Adds what sees to Checkpoints.
    mutating func addCheckpoints(_ parts: KruiseParts) {}
}
