// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// Which pods of a pool are promised to which sandboxes, as an annotation of the `Pool` carries it.
///
/// What a sandbox has stands in its own annotation. But that of one sandbox says nothing about another one's, so two controllers,
/// each of which sees less than there is, could give one pod away twice. So every batch is first reserved here, by a write that
/// counts only if nobody has written the Pool since it was read; whoever writes has taken the Pool over before, and has read
/// all sandboxes after that.
public struct PoolLedger: Sendable, Hashable, Codable {
    /// Pods that a sandbox will be told to have.
    public struct Reservation: Sendable, Hashable, Codable {
        /// The sandbox's name.
        public var sandbox: String
        /// The sandbox's UID.
        public var uid: String
        /// The pods.
        public var pods: [String]

        /// Creates a reservation.
        public init(sandbox: String, uid: String, pods: [String]) {
            self.sandbox = sandbox
            self.uid = uid
            self.pods = pods
        }
    }

    /// The controller that has taken the pool over: a word that no other one has, nor the same one after a restart.
    public var holder = ""
    /// What is promised, and may not stand in the sandboxes' own annotations yet. What does is struck out with the next batch.
    public var reservations: [Reservation] = []

    /// Creates an empty one, that of a pool which nobody has taken over.
    public init() {}

    /// Reads the annotation.
    ///
    /// - Throws: `DecodingError`. Nothing may be allocated then.
    public init(_ text: String) throws {
        self = try JSONDecoder().decode(PoolLedger.self, from: Data(text.utf8))
    }

    /// The annotation.
    public var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings can always be encoded.
        return String(decoding: (try? encoder.encode(self)) ?? Data(), as: UTF8.self)
    }
}
