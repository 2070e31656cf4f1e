// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

extension CaptureProgress {
    /// How far the pause of all replicas is: of one what its provider says, of several the sum, in the words of the first that is not
    /// done.
    ///
    /// - Parameters:
    ///   - replicas: The identities of those that are captured.
    ///   - sightings: What was seen of their captures.
    /// - Returns: Nil if no provider has said anything.
    init?(of replicas: [String], _ sightings: CaptureSightings) {
        let active = replicas.compactMap { sightings.progress[$0] }
        guard let first = active.first else { return nil }
        guard replicas.count > 1 else {
            self = first
            return
        }
        let done = replicas.count { replica in
            if case .succeeded = sightings.captures[replica]?.progress { true } else { false }
        }
        let sum = CaptureProgress.with {
            $0.stage = first.stage
            $0.bytesRead = Self.sum(active.map(\.bytesRead))
            $0.bytesWritten = Self.sum(active.map(\.bytesWritten))
            // A percentage of what is known of some only would be wrong.
            $0.bytesTotal = active.allSatisfy { $0.bytesTotal != nil } ? Self.sum(active.map(\.bytesTotal)) : nil
        }.summarized()
        self = sum
        summary = "\(done) of \(replicas.count) replicas, \(sum.summary ?? first.stage)"
    }

    private static func sum(_ numbers: [Int?]) -> Int? {
        let known = numbers.compactMap(\.self)
        return known.isEmpty ? nil : known.reduce(0, +)
    }
}
