// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A folder or a file of this machine that is to be mounted, held by a descriptor for as long as this lives: whatever
/// happens to the names on the way to it, what was checked is what is mounted.
final class OpenVolume: Sendable {
    /// The descriptor, opened with `O_PATH`.
    let descriptor: CInt

    /// Takes over a descriptor.
    init(owning descriptor: CInt) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
