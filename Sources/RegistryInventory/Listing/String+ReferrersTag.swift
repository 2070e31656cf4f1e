// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension String {
    /// Whether it is written as the tag that stands in for the referrers API where a registry does not have that. An index of
    /// that name is a list, and no image.
    var isReferrersTag: Bool {
        let parts = split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && ["sha256", "sha512"].contains(parts[0]) && parts[1].count == 64
            && parts[1].allSatisfy(\.isHexDigit)
    }
}
