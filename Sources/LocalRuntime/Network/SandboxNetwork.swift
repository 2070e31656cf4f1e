// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotEngine

import class Foundation.JSONDecoder

/// The network of this machine's sandboxes.
///
/// A sandbox's network namespace is never bound to a path of its own, so when its processes are gone, nothing of it is
/// left but the lease of the address, a small file.
public struct SandboxNetwork: Sendable {
    /// How the network is set up.
    public let configuration: NetworkConfiguration

    private let plugin: NetworkPlugin

    /// Creates a network; nothing is done until a sandbox is attached.
    public init(_ configuration: NetworkConfiguration) {
        self.configuration = configuration
        plugin = NetworkPlugin(folder: configuration.pluginFolder)
    }

    /// Gives a container an interface `eth0`, an address and a default route. The loopback interface is runc's work.
    ///
    /// - Parameters:
    ///   - containerID: by this name the address is leased until `detach`.
    ///   - namespace: the network namespace of its task, created and not started.
    /// - Returns: the IPv4 address.
    /// - Throws: `SandboxError` with the plugin's words; whatever it had done so far has been undone.
    func attach(containerID: String, namespace: NetworkNamespace) async throws -> String {
        do {
            let answer = try await run(.add, containerID, namespace)
            guard let result = try? JSONDecoder().decode(PluginResult.self, from: .init(answer.utf8)),
                let address = result.address
            else {
                throw SandboxError(
                    .startFailed,
                    "The network plugin gave no IPv4 address for \(containerID); it answered: \(answer.prefix(500))"
                )
            }
            return address.description
        } catch {
            // The address may be leased already. Undoing must happen although this task may be cancelled.
            _ = try? await uncancelled { try await run(.delete, containerID, namespace) }
            throw error
        }
    }

    /// Takes a container's interface away and gives its address back. Doing it again, or for a container that was never
    /// attached, does nothing.
    ///
    /// - Parameter namespace: the container's network namespace, or nil if it is gone; the kernel has then removed the
    ///   interface by itself.
    func detach(containerID: String, namespace: NetworkNamespace?) async throws {
        _ = try await run(.delete, containerID, namespace)
    }

    private func run(
        _ command: NetworkPlugin.Command,
        _ containerID: String,
        _ namespace: NetworkNamespace?
    ) async throws -> String {
        let answer = try await plugin.run(
            command,
            container: containerID,
            networkNamespace: namespace?.path ?? "",
            configuration: BridgePluginConfiguration(configuration)
        )
        // The plugin reaches the namespace through our descriptor, so it has to stay open until here.
        return withExtendedLifetime(namespace) { answer }
    }
}
