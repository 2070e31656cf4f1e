// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import class Foundation.FileManager

extension ListenAddress {
    /// All addresses of this machine: of both families where there are both.
    static var anyHost: String {
        FileManager.default.fileExists(atPath: "/proc/net/if_inet6") ? "::" : "0.0.0.0"
    }
}
