// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ImageBuilder
import Logging
import OCIRegistry

extension KubernetesTestbed {
    /// Puts a program that was built beside the tests into the open registry, as an image that pods can run: the program is
    /// its entry point, and it runs as the published image does.
    ///
    /// It is done once in a process, however many ask. What the registry has already is not sent again.
    ///
    /// - Parameter name: The product's name, such as `stasis-committer`. The test's target must depend on it.
    /// - Returns: The image's reference, by digest.
    public func pushProgram(_ name: String) async throws -> String {
        try await PushedPrograms.instance.reference(of: name, in: registry)
    }
}

/// The programs that this process has pushed, or is pushing.
private actor PushedPrograms {
    static let instance = PushedPrograms()

    private var pushes: [String: Task<String, any Error>] = [:]

    func reference(of name: String, in registry: String) async throws -> String {
        let key = "\(registry)/\(name)"
        if let push = pushes[key] { return try await push.value }
        // Several tests wait for it, and none of them may cancel it for the others.
        let push = Task { try await Self.push(name, to: registry) }
        pushes[key] = push
        return try await push.value
    }

    private static func push(_ name: String, to registry: String) async throws -> String {
        let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let program = folder.appending(path: name).path
        let writer = try await ImageWriter(
            ProgramImage(
                settings: .of(name),
                program: program,
                closure: try await .find(of: program),
                compression: .zstd
            )
        )
        let place = try ImageReference(parsing: "\(registry)/stasis/\(name)").at(writer.descriptor.digest)
        let configuration = RegistryConfiguration(plainHTTP: RegistryConfiguration.PlainHTTP(hosts: [registry]))
        return try await withRegistryClient(configuration, logger: Logger(label: "test")) { client in
            try await writer.write(to: client.repository(place), as: place.manifestReference)
            return place.description
        }
    }
}
