// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCIRegistry
import RegistryInventory

/// Copies images.
struct RegistryCopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copies an image with all that belongs to it, from a registry or an image layout to another.",
        discussion: """
            Digests stay as they are, and what refers to the image (signatures, lists of contents) comes along. What the \
            target has is not sent again, so a copy that was cut off is finished by the same command. Without a tag, the target \
            gets that of the source.
            """
    )

    @Argument(help: "<registry>/<path>:<tag> or @<digest>, or oci:<folder>:<tag>. With --all the repository.")
    var source: String

    @Argument(help: "The same; without a tag, as the source has it.")
    var target: String

    @Flag(help: "Tell on the standard error how far it is, once a second.")
    var progress = false

    @Flag(help: "Copy everything that has a tag.")
    var all = false

    @Flag(help: "Leave behind what refers to the image.")
    var noReferrers = false

    @Option(help: "Of an index take the image for this platform only, such as linux/arm64.")
    var platform: String?

    @Option(help: "How many blobs are copied at a time.")
    var parallelism = 3

    @Option(help: "The longest image that is copied, in bytes with all that belongs to it.")
    var limit: Int64?

    @OptionGroup var access: RegistryAccess

    @Option(help: "A Docker config.json with the source's login, if not that of --registry-config.")
    var sourceConfig: String?

    @Option(help: "A Docker config.json with the target's login, if not that of --registry-config.")
    var targetConfig: String?

    @Option(help: "text, or json: a line for each image.")
    var output = OutputFormat.text

    func validate() throws {
        guard parallelism > 0 else { throw ValidationError("--parallelism must be at least 1") }
    }

    func run() async throws {
        let (from, to) = (try RegistryAccess.location(source), try RegistryAccess.location(target))
        var options = ImageCopyOptions(includesReferrers: !noReferrers, parallelism: parallelism)
        options.limits.blobBytes = limit
        if let platform { options.platform = try Self.platform(platform) }
        let logger = RegistryAccess.logger
        let failed = try await withRegistryClient(try access.configuration(logins: sourceConfig), logger: logger) {
            reader in
            try await withRegistryClient(try access.configuration(logins: targetConfig), logger: logger) { writer in
                let repository = reader.repository(of: from)
                let copy = ImageCopy(from: repository, to: writer.repository(of: to), options: options)
                return all ? try await copyAll(copy, repository, from, to) : try await copyOne(copy, reader, from, to)
            }
        }
        if failed { throw ExitCode.failure }
    }

    private static func platform(_ text: String) throws -> Platform {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), !parts.contains("") else {
            throw ValidationError("'\(text)' is no platform: write <os>/<architecture>[/<variant>]")
        }
        return Platform(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
    }

    private func copyOne(
        _ copy: ImageCopy,
        _ reader: RegistryClient,
        _ from: ImageLocation,
        _ to: ImageLocation
    ) async throws -> Bool {
        let reference = try await reader.open(from).reference
        let outcome = try await copy.run(reference, as: to.writtenReference, progress: follow(source))
        tell(outcome, as: to.at(outcome.descriptor.digest).description)
        return false
    }

    private func copyAll(
        _ copy: ImageCopy,
        _ repository: any ImageRepository,
        _ from: ImageLocation,
        _ to: ImageLocation
    ) async throws -> Bool {
        guard from.writtenReference == nil, to.writtenReference == nil else {
            throw ValidationError("with --all repositories are named, without a tag")
        }
        var failed = false
        try await RepositoryCopy(copy).run(repository, progress: { follow("\(copy.source.name):\($0)") }) { result in
            switch result.outcome {
            case .success(let outcome): tell(outcome, as: "\(copy.target.name):\(result.tag)")
            case .failure(let error):
                failed = true
                StandardError.write("\(copy.source.name):\(result.tag) was not copied: \(error)")
            }
        }
        return failed
    }

    private func follow(_ name: String) -> @Sendable (ImageCopyProgress) -> Void {
        guard progress else { return { _ in } }
        let teller = CopyProgressTeller(name)
        return { teller.tell($0) }
    }

    private func tell(_ outcome: ImageCopy.Outcome, as name: String) {
        let line = CopyLine(outcome, name: name)
        print(output == .json ? line.json : line.text)
    }
}

extension ImageLocation {
    /// The tag or digest that was written, and none that is meant when nothing is.
    fileprivate var writtenReference: ManifestReference? {
        switch self {
        case .registry(let reference): reference.tag.map { .tag($0) } ?? reference.digest.map { .digest($0) }
        case .layout(_, let tag, let digest): tag.map { .tag($0) } ?? digest.map { .digest($0) }
        }
    }
}
