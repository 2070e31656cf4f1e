// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether something is so, told from one task to another.
final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}
