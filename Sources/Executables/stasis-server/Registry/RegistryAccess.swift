// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import OCIRegistry

import class Foundation.FileManager
import class Foundation.ProcessInfo
import struct Foundation.URL

/// How registries are reached.
struct RegistryAccess: ParsableArguments {
    @Option(
        name: .customLong("plain-http"),
        help: "A registry that is spoken to without TLS, <host> or <host>:<port>. Loopback always is."
    )
    var plainHTTP: [String] = []

    @Option(help: "A Docker config.json with logins. By default that of docker for this user.")
    var registryConfig: String?

    @Option(help: "A folder with the certificates of particular registries, laid out as Docker's.")
    var registryCertificates = "/etc/docker/certs.d"

    /// - Parameter logins: a Docker config.json that goes before the usual one.
    func configuration(logins: String? = nil) throws -> RegistryConfiguration {
        let environment = ProcessInfo.processInfo.environment
        return RegistryConfiguration(
            plainHTTP: RegistryConfiguration.PlainHTTP(hosts: Set(plainHTTP)),
            certificatesFolder: registryCertificates,
            proxies: try ProxySettings(environment: environment),
            credentials: (logins ?? registryConfig).map { .dockerConfig(path: $0, environment: environment) }
                ?? .docker(environment: environment),
            userAgent: "stasis-server"
        )
    }

    static var logger: Logger {
        Logger(label: "stasis-server") { StreamLogHandler.standardError(label: $0) }
    }

    /// A location as it is written, with the folder of an image layout made absolute: that is how records name it.
    static func location(_ text: String) throws -> ImageLocation {
        let location = try ImageLocation(parsing: text)
        guard case .layout(let folder, let tag, let digest) = location else { return location }
        return .layout(folder: URL(filePath: folder).standardizedFileURL.path, tag: tag, digest: digest)
    }

    /// Repositories by what people write. A folder that is not there is a mistake, and no empty repository.
    static func repositories(_ texts: [String], _ client: RegistryClient) throws -> [any ImageRepository] {
        try texts.map { text in
            let location = try location(text)
            switch location {
            case .registry(let reference):
                guard reference.tag == nil, reference.digest == nil else {
                    throw ValidationError("'\(text)' is an image: name its repository, without a tag")
                }
            case .layout(let folder, let tag, let digest):
                guard tag == nil, digest == nil else {
                    throw ValidationError("'\(text)' is an image: name the folder, without a tag")
                }
                guard FileManager.default.fileExists(atPath: "\(folder)/index.json") else {
                    throw ValidationError("there is no image layout in \(folder)")
                }
            }
            return client.repository(of: location)
        }
    }
}
