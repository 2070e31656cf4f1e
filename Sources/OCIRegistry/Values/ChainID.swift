// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The identity of a stack of layers once unpacked, as the image specification defines it.
public enum ChainID {
    /// The chain ID of a stack of layers given by their diff IDs, lowest first; `nil` for no layers.
    ///
    /// One layer's chain ID is its diff ID; each further one is the SHA-256 of `<chain ID below> <diff ID>`.
    public static func of(_ diffIDs: [Digest]) -> Digest? {
        guard let first = diffIDs.first else { return nil }
        return diffIDs.dropFirst().reduce(first) { chain, diffID in
            .sha256(of: Array("\(chain) \(diffID)".utf8))
        }
    }

    /// The chain ID of each layer with all those below it, lowest first.
    public static func each(_ diffIDs: [Digest]) -> [Digest] {
        var chains: [Digest] = []
        for diffID in diffIDs {
            chains.append(chains.last.map { .sha256(of: Array("\($0) \(diffID)".utf8)) } ?? diffID)
        }
        return chains
    }
}
