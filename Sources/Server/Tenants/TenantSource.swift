// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// A file with keys, and what it said last.
///
/// Nothing runs beside the requests: a request looks at the file if nobody has done so for a second.
final class TenantSource: Sendable {
    /// What the file is.
    enum Kind {
        /// Keys of the only tenant, one a line.
        case keys(String)
        /// Tenants in OpenSandbox's format.
        case tenants(String)

        var path: String {
            switch self {
            case .keys(let path), .tenants(let path): path
            }
        }
    }

    private struct Seen {
        var stamp: FileStamp?
        var at = ContinuousClock.now
        var runtimes: [String?: any SandboxRuntime] = [:]
        var last: [Tenant] = []
    }

    private static let interval = Duration.seconds(1)

    private let kind: Kind
    private let logger: Logger
    private let runtime: Tenants.RuntimeOfNamespace
    private let seen = Mutex(Seen())
    private let clock: @Sendable () -> ContinuousClock.Instant

    init(
        _ kind: Kind,
        logger: Logger,
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        runtime: @escaping Tenants.RuntimeOfNamespace
    ) {
        self.kind = kind
        self.logger = logger
        self.clock = clock
        self.runtime = runtime
    }

    /// Reads the file.
    ///
    /// - Throws: ``ConfigurationError``; what the runtime's maker throws.
    func read() throws -> [Tenant] {
        try seen.withLock { seen in
            seen.stamp = FileStamp(of: kind.path)
            seen.at = clock()
            return try read(&seen)
        }
    }

    /// What the file says now, if it is something else than when this was last asked, and if it is time to look.
    ///
    /// A file that cannot be used changes nothing, but one that is gone lets nobody in any more.
    func change() -> [Tenant]? {
        seen.withLock { seen in
            let now = clock()
            guard now - seen.at >= Self.interval else { return nil }
            seen.at = now
            let stamp = FileStamp(of: kind.path)
            guard stamp != seen.stamp else { return nil }
            seen.stamp = stamp
            let path = Logger.Metadata.Value.string(kind.path)
            guard stamp != nil else {
                logger.error(
                    "The file with the keys is gone: nobody is let in until it is back",
                    metadata: ["file": path]
                )
                seen.last = seen.last.map { Tenant(name: $0.name, keys: [.unknown()], runtime: $0.runtime) }
                return seen.last
            }
            do {
                let tenants = try read(&seen)
                let keys = tenants.reduce(0) { $0 + $1.keys.count }
                logger.notice(
                    "The file with the keys was read again",
                    metadata: ["file": path, "tenants": "\(tenants.count)", "keys": "\(keys)"]
                )
                return tenants
            } catch {
                logger.error(
                    "The file with the keys cannot be used; those that were read before stay in force",
                    metadata: ["file": path, "error": "\(error)"]
                )
                return nil
            }
        }
    }

    private func read(_ seen: inout Seen) throws -> [Tenant] {
        var tenants: [Tenant] = []
        switch kind {
        case .keys(let path):
            let keys = try KeyFile.keys(at: path)
            tenants = [Tenant(name: Tenant.soleName, keys: keys, runtime: try runtime(of: nil, &seen))]
        case .tenants(let path):
            let (entries, warnings) = try TenantFile.entries(at: path)
            for warning in warnings { logger.warning("\(warning)", metadata: ["file": .string(path)]) }
            for entry in entries {
                let runtime = try runtime(of: entry.namespace, &seen)
                tenants.append(Tenant(name: entry.name, keys: entry.keys, runtime: runtime))
            }
        }
        seen.last = tenants
        return tenants
    }

    private func runtime(of namespace: String?, _ seen: inout Seen) throws -> any SandboxRuntime {
        if let runtime = seen.runtimes[namespace] { return runtime }
        let made = try runtime(namespace)
        seen.runtimes[namespace] = made
        return made
    }
}
