// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Whether a pause can keep what `persistentContents` asks for.
public enum KruiseContentsVerdict: Sendable, Hashable {
    /// It keeps all of it.
    case kept
    /// It keeps the filesystem, but not the memory that was asked for as well.
    case withoutMemory
    /// Nothing of what was asked for can be kept: memory alone was.
    case refused

    /// - Parameters:
    ///   - contents: What was asked for; nothing for all that can be kept. An address is never kept, and the filesystem always is
    ///     unless memory alone was asked for.
    ///   - keepsMemory: Whether whoever captures keeps memory.
    public init(_ contents: [KruiseContent], keepsMemory: Bool) {
        if keepsMemory || !contents.contains(.memory) {
            self = .kept
        } else {
            self = contents.contains(.filesystem) ? .withoutMemory : .refused
        }
    }
}
