// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Makes one gzip stream (RFC 1952) of the bytes it is given, block by block.
///
/// An encoder is used by one thread, once. The same bytes in the same blocks give the same stream on the same machine:
/// headers carry no time and no name. Other machines may compress otherwise, so the digest of a compressed layer says
/// nothing about its content; the diff ID does.
public protocol GzipEncoder: AnyObject {
    /// Compresses as much of `input` as fits into `output`.
    ///
    /// - Parameters:
    ///   - input: What is still to be compressed, at most 4 GiB. May be empty when `isLast` is true.
    ///   - output: Where the compressed bytes go; must not be empty.
    ///   - isLast: No input follows this one. Call again with what was not consumed, until the step says `isFinished`.
    /// - Throws: `RootfsError.compression` if the library refuses.
    func encode(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer,
        isLast: Bool
    ) throws -> GzipStep
}

/// What one call of `GzipEncoder.encode` did.
public struct GzipStep: Sendable, Hashable {
    /// Bytes taken from the input.
    public var consumed: Int
    /// Bytes put into the output.
    public var produced: Int
    /// The stream is complete, with its checksum.
    public var isFinished: Bool

    /// Creates a step from its values.
    public init(consumed: Int, produced: Int, isFinished: Bool) {
        self.consumed = consumed
        self.produced = produced
        self.isFinished = isFinished
    }
}
