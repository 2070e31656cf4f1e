// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What becomes of the artifacts and captures that a sandbox needs no more.
extension Recorded {
    /// Takes an artifact for what the next resume starts from, in place of the one before.
    mutating func keep(_ new: Artifact) {
        let old = artifact
        artifact = new
        // The new one may be made of what was given up before.
        leftovers = leftovers.compactMap { leftover in
            guard case .artifact(let artifact) = leftover else { return leftover }
            return artifact.without(new).map(Leftover.artifact)
        }
        if let old {
            leave(.artifact(old))
        }
    }

    /// Remembers to clean something up, except for what the recorded artifact is made of.
    mutating func leave(_ leftover: Leftover) {
        var leftover = leftover
        if case .artifact(let unneeded) = leftover, let artifact {
            guard let rest = unneeded.without(artifact) else { return }
            leftover = .artifact(rest)
        }
        if !leftovers.contains(leftover) {
            leftovers.append(leftover)
        }
    }

    /// The record without the leftovers that are gone.
    func without(_ cleaned: Set<Leftover>) -> Recorded {
        guard !cleaned.isEmpty else { return self }
        var record = self
        record.leftovers.removeAll(where: cleaned.contains)
        return record
    }
}

extension Artifact {
    /// The artifact without the parts that another one has as well; nil if none are left.
    fileprivate func without(_ other: Artifact) -> Artifact? {
        let needed = Set(other.parts.map(\.digest))
        var rest = self
        rest.parts.removeAll { needed.contains($0.digest) }
        return rest.parts.isEmpty ? nil : rest
    }
}
