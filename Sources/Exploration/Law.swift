// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The laws of the architecture, by their numbers, and what goes without saying.
package enum Law: Int, Sendable {
    case one = 1, two, three, four, five, six, seven, eight
    /// Everything comes to an end, and nothing that is needed no more is left.
    case progress
    /// What something refers to is kept.
    case references
}
