// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How many files, and so connections, the process may have open.
enum FileLimit {
    /// What the process keeps for other things than clients' connections.
    private static let reserve = 128

    /// Raises the limit as far as the system allows, and answers how many connections that makes.
    static func connections() -> Int {
        var limit = rlimit()
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return .max }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return max(Int(clamping: limit.rlim_cur) - reserve, 1)
    }
}
