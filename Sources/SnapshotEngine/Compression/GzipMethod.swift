// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Which library makes gzip, and how hard it tries.
public enum GzipMethod: Sendable, Hashable {
    #if ISAL
    /// Intel's ISA-L, level 0 to 3. Level 1 is about seven times faster than zlib's, for 3 % more bytes.
    case isal(level: Int)
    #endif
    /// zlib, level 0 to 9.
    case zlib(level: Int)

    /// The fastest method that this build has, at level 1.
    public static var fastest: GzipMethod {
        #if ISAL
        return .isal(level: 1)
        #else
        return .zlib(level: 1)
        #endif
    }
}
