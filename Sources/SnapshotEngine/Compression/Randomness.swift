// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Whether compressing is worth its time: what is compressed or encrypted already looks like noise.
enum Randomness {
    private static let sampleSize = 4096
    private static let samples = 4
    /// Bits of entropy a byte. Noise has 7.99 in a sample of this size, compressed files little less; machine code has
    /// about 6.5.
    private static let threshold = 7.95

    /// Looks at a few places of a block. Small blocks never look random: there is not enough to see.
    static func looksRandom(_ block: UnsafeRawBufferPointer) -> Bool {
        guard block.count >= 4 * samples * sampleSize else { return false }
        var counts = [UInt32](repeating: 0, count: 256)
        let distance = (block.count - sampleSize) / (samples - 1)
        for sample in 0..<samples {
            for byte in block[(sample * distance)..<(sample * distance + sampleSize)] { counts[Int(byte)] &+= 1 }
        }
        let total = Double(samples * sampleSize)
        var bits = 0.0
        for count in counts where count > 0 {
            bits -= Double(count) / total * log2(Double(count) / total)
        }
        return bits > threshold
    }
}
