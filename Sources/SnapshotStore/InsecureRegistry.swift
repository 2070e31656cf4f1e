// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Guesses which registries speak no TLS, as upstream's committer does when nobody says.
public enum InsecureRegistry {
    /// Whether a registry, as references name it (`host` or `host:port`), looks like one of the own network: `local` in
    /// its name, or a loopback or private IPv4 address.
    public static func isLikely(_ domain: String) -> Bool {
        if domain.contains("local") || domain.hasPrefix("127.") || domain.hasPrefix("10.")
            || domain.hasPrefix("192.168.")
        {
            return true
        }
        let parts = domain.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "172", let second = Int(parts[1]) else { return false }
        return (16...31).contains(second)
    }
}
