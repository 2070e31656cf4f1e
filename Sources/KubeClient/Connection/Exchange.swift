// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// One request on its way, and how its answer is read.
final class Exchange: Sendable {
    /// How an answer is read that is a good one. Others are always read to their end, or as far as anybody wants to know.
    enum Reading: Sendable {
        /// To its end, which comes before so many bytes or is an error.
        case whole(limit: Int)
        /// As it is asked for.
        case stream
    }

    /// How many bytes of an answer are read that is none of the good ones.
    static let refusalLimit = 1 << 20

    let message: ByteBuffer
    let reading: Reading
    /// The longest time until the answer begins; `nil` for any.
    let patience: TimeAmount?
    /// The longest silence within the answer; `nil` for any.
    let silence: TimeAmount?
    private let cancelled = Atomic(false)

    init(message: ByteBuffer, reading: Reading, patience: TimeAmount?, silence: TimeAmount?) {
        self.message = message
        self.reading = reading
        self.patience = patience
        self.silence = silence
    }

    /// Whether nobody wants it any more.
    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func cancel() { cancelled.store(true, ordering: .releasing) }
}

/// What goes wrong with a connection, besides what TLS and the kernel say.
enum ConnectionFault: Error {
    /// It was not there in time.
    case connectTimeout
    /// The answer did not begin, or go on, in time.
    case timeout
    /// It ended before the answer did.
    case closed
    /// It ended before anything was sent.
    case notSent
    /// What came is no answer.
    case malformed(AnswerParser.Malformed)
    /// The answer has more bytes than anybody wants.
    case tooLarge
    /// There are no connections any more.
    case shutDown
}
