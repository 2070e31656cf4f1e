// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ImageBuilder
import Logging
import OCIRegistry

import class Foundation.FileManager
import class Foundation.ProcessInfo

/// Makes minimal images of programs.
@main
struct StasisImagesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stasis-images",
        abstract: "Makes a minimal OCI image of a program, without a container engine.",
        discussion: """
            The image holds the program, the shared libraries that it needs, certificates and users: no shell. Equal inputs \
            make equal images. docs/images.md tells more.
            """,
        subcommands: [Build.self, List.self]
    )

    /// Makes one image.
    struct Build: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes an image and writes it; prints each place with the image's digest."
        )

        @Argument(help: "The program's file. Its name decides how it is run: 'list' prints the known ones.")
        var program: String

        @Argument(help: "Where to: oci:<folder>:<tag>, or <registry>/<repository>:<tag>.")
        var locations: [String]

        @Option(help: "The program's name in the image, if it is not the file's.")
        var name: String?

        @Option(help: "gzip, or zstd, which is faster.")
        var compression = ImageCompression.gzip

        @Option(help: "A registry that is spoken to without TLS, <host> or <host>:<port>. Loopback always is.")
        var plainHTTP: [String] = []

        @Option(help: "A Docker config.json with logins. By default that of docker for this user.")
        var registryConfig: String?

        @Option(help: "A label, <name>=<value>.")
        var label: [String] = []

        func run() async throws {
            let environment = ProcessInfo.processInfo.environment
            let places = try locations.map { try ImageLocation(parsing: $0) }
            let closure = try await LibraryClosure.find(of: program)
            let name = name ?? program.split(separator: "/").last.map(String.init) ?? program
            let hasCertificates = FileManager.default.isReadableFile(atPath: ProgramImage.certificatesPath)
            let image = ProgramImage(
                settings: .of(name),
                program: program,
                closure: closure,
                certificates: hasCertificates ? ProgramImage.certificatesPath : nil,
                created: environment["SOURCE_DATE_EPOCH"].flatMap(Int64.init) ?? 0,
                compression: compression.value,
                labels: try labels()
            )
            let writer = try await ImageWriter(image)
            let configuration = RegistryConfiguration(
                plainHTTP: RegistryConfiguration.PlainHTTP(hosts: Set(plainHTTP)),
                proxies: try ProxySettings(environment: environment),
                credentials: registryConfig.map { .dockerConfig(path: $0, environment: environment) }
                    ?? .docker(environment: environment)
            )
            let logger = Logger(label: "stasis-images") { StreamLogHandler.standardError(label: $0) }
            try await withRegistryClient(configuration, logger: logger) { client in
                for place in places {
                    let reference = place.manifestReference ?? .tag("latest")
                    try await writer.write(to: client.repository(of: place), as: reference)
                    print(place.at(writer.descriptor.digest))
                }
            }
        }

        private func labels() throws -> [String: String] {
            var labels: [String: String] = [:]
            for text in label {
                let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { throw ValidationError("'\(text)' is no label: write <name>=<value>") }
                labels[parts[0]] = parts[1]
            }
            return labels
        }
    }

    /// Tells which programs are known.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the names of this package's programs that run in containers."
        )

        func run() {
            for settings in ProgramSettings.published { print(settings.name) }
        }
    }
}

/// A compression as the command line names it.
enum ImageCompression: String, ExpressibleByArgument {
    case gzip, zstd

    var value: ProgramImage.Compression {
        switch self {
        case .gzip: .gzip
        case .zstd: .zstd
        }
    }
}
