// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import Synchronization

/// All who use one server. Those of a file change when the file does, without a restart.
public final class Tenants: Sendable {
    /// Gives the runtime of a namespace, nil for the one that the configuration names.
    public typealias RuntimeOfNamespace = @Sendable (String?) throws -> any SandboxRuntime

    private struct State {
        var all: [Tenant]
        /// Whose place in `all` a key leads to.
        var places: [APIKey: Int]
        /// Everybody is this tenant.
        var open: Tenant?

        init(_ all: [Tenant]) {
            self.all = all
            open = all.first(where: \.keys.isEmpty)
            places = [:]
            for (place, tenant) in all.enumerated() {
                for key in tenant.keys where places[key] == nil { places[key] = place }
            }
        }
    }

    private let state: Mutex<State>
    private let file: TenantSource?

    /// Creates them. Two must not have one key: the first of them would get what is the other's.
    public init(_ all: [Tenant]) {
        state = Mutex(State(all))
        file = nil
    }

    /// The only tenant of a server.
    ///
    /// - Parameter key: What it sends; nil: everybody is let in.
    public convenience init(key: APIKey?, runtime: any SandboxRuntime) {
        self.init([Tenant(name: Tenant.soleName, keys: key.map { [$0] } ?? [], runtime: runtime)])
    }

    /// Those whom a configuration names.
    ///
    /// - Parameters:
    ///   - logger: Learns of changes of the file with the keys.
    ///   - runtime: Asked once for each namespace. If it throws later on, a change of the file is not followed.
    /// - Throws: ``ConfigurationError`` if the file with the keys cannot be used; what `runtime` throws.
    public init(
        _ configuration: ServerConfiguration,
        logger: Logger,
        runtime: @escaping RuntimeOfNamespace
    ) throws {
        let http = configuration.http
        if let path = configuration.tenantFile {
            file = TenantSource(.tenants(path), logger: logger, runtime: runtime)
        } else if let path = http.apiKeyFile {
            file = TenantSource(.keys(path), logger: logger, runtime: runtime)
        } else {
            file = nil
        }
        let sole = { Tenant(name: Tenant.soleName, keys: http.apiKey.map { [$0] } ?? [], runtime: try runtime(nil)) }
        state = Mutex(State(try file?.read() ?? [sole()]))
    }

    /// Each of them, as they are now.
    public var all: [Tenant] {
        refresh()
        return state.withLock { $0.all }
    }

    /// Whose request it is.
    ///
    /// - Parameter offered: The key that came with the request.
    /// - Throws: ``APIError`` (401).
    func tenant(offering offered: String?) throws(APIError) -> Tenant {
        refresh()
        let key = offered.flatMap { $0.isEmpty ? nil : APIKey(offered: $0) }
        let found: Tenant? = state.withLock { state in
            if let open = state.open { return open }
            guard let key, let place = state.places[key] else { return nil }
            return state.all[place]
        }
        guard let found else { throw key == nil ? .missingKey : .invalidKey }
        return found
    }

    /// Looks whether the file has changed, now and then.
    private func refresh() {
        guard let file, let changed = file.change() else { return }
        let new = State(changed)
        state.withLock { $0 = new }
    }
}
