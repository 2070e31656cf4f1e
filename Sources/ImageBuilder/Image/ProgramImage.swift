// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
public import OCIRegistry
import SnapshotEngine

/// The image of one program: what is in its layers, and how it is run. A value; `ImageWriter` makes the image.
///
/// All files are root's, and no time but `created` is in it: equal inputs make equal images. Libraries are in layers of
/// their own, which images share whose programs need the same.
public struct ProgramImage: Sendable {
    /// How the layers are compressed.
    public enum Compression: Sendable, Hashable {
        /// gzip by zlib: any reader, the same bytes on any processor.
        case gzip
        /// zstd: many times faster; containerd reads it since 1.5.
        case zstd
    }

    /// Who the program is, and how it runs.
    public var settings: ProgramSettings
    /// The program's path on this machine.
    public var program: String
    /// What it needs.
    public var closure: LibraryClosure
    /// A file with certificates of authorities to trust, PEM; nil for none.
    public var certificates: String?
    /// When the image says that it was made, in seconds since 1970: `SOURCE_DATE_EPOCH` where there is one. Files say 1970
    /// in any case, so that two versions share the layers of what has not changed.
    public var created: Int64
    /// How the layers are compressed.
    public var compression: Compression
    /// Labels besides those that the settings give, such as `org.opencontainers.image.revision`.
    public var labels: [String: String]

    /// Describes an image.
    public init(
        settings: ProgramSettings,
        program: String,
        closure: LibraryClosure,
        certificates: String? = nil,
        created: Int64 = 0,
        compression: Compression = .gzip,
        labels: [String: String] = [:]
    ) {
        self.settings = settings
        self.program = program
        self.closure = closure
        self.certificates = certificates
        self.created = created
        self.compression = compression
        self.labels = labels
    }

    /// The folder of the program in the image.
    public static let programFolder = "/usr/local/bin"

    /// Where the certificates are in the image: where Debian has them, and where TLS libraries look for them.
    public static let certificatesPath = "/etc/ssl/certs/ca-certificates.crt"

    /// What it runs on.
    public var platform: Platform { Platform(os: "linux", architecture: closure.program.machine.architecture) }

    /// A layer, and what its history says.
    struct Layer: Sendable {
        var title: String
        var contents: ListedLayer
    }

    /// The layers from the lowest on, those that seldom change first. One without entries is left out.
    var layers: [Layer] {
        let system = closure.libraries.filter(\.isSystem).map(entry)
        let others = closure.libraries.filter { !$0.isSystem }.map(entry)
        let loader = closure.loader.map {
            ListedLayer.Entry(relative($0), .file($0), permissions: 0o755)
        }
        let program = ListedLayer.Entry(
            relative("\(Self.programFolder)/\(settings.name)"),
            .file(program),
            permissions: 0o755
        )
        let aliases = settings.aliases.map {
            ListedLayer.Entry(
                relative("\(Self.programFolder)/\($0)"),
                .symbolicLink(to: settings.name),
                permissions: 0o777
            )
        }
        return [
            ("users, certificates and folders", BaseFiles(certificates: certificates).entries),
            ("the loader and the system's libraries", system + [loader].compactMap(\.self)),
            ("the libraries of the language", others),
            (settings.name, [program] + aliases),
        ]
        .filter { !$0.1.isEmpty }
        .map { Layer(title: $0.0, contents: layer(of: $0.1)) }
    }

    /// The configuration of the image with layers of these diff IDs.
    func config(diffIDs: [Digest]) -> ImageConfig {
        let time = Date(timeIntervalSince1970: Double(created)).ISO8601Format()
        var labels = labels
        labels["org.opencontainers.image.title"] = settings.name
        labels["org.opencontainers.image.description"] = settings.summary
        labels["org.opencontainers.image.licenses"] = "Apache-2.0"
        labels["org.opencontainers.image.vendor"] = "the Stasis authors"
        return ImageConfig(
            platform: platform,
            config: ImageConfig.Execution(
                user: settings.user.identity,
                env: ["PATH=\(Self.programFolder)"],
                entrypoint: ["\(Self.programFolder)/\(settings.name)"],
                workingDir: "/",
                labels: labels,
                exposedPorts: settings.ports.isEmpty ? nil : settings.ports
            ),
            rootfs: ImageConfig.RootFS(diffIDs: diffIDs),
            history: layers.map { ImageConfig.History(created: time, createdBy: "stasis-images: \($0.title)") },
            created: time
        )
    }

    private func entry(_ library: LibraryClosure.Library) -> ListedLayer.Entry {
        // All in the one folder that the loader knows: where a toolchain keeps its own means nothing in the image.
        let path = library.name.hasPrefix("/") ? library.name : "\(closure.systemFolder)/\(library.name)"
        return ListedLayer.Entry(relative(path), .file(library.path), permissions: 0o644)
    }

    private func relative(_ path: String) -> String {
        path.split(separator: "/").joined(separator: "/")
    }

    /// Sorted, and with the folders above the entries.
    private func layer(of entries: [ListedLayer.Entry]) -> ListedLayer {
        var all: [String: ListedLayer.Entry] = [:]
        for entry in entries {
            var parts = entry.path.split(separator: "/").dropLast()
            while !parts.isEmpty {
                let path = parts.joined(separator: "/")
                all[path] = ListedLayer.Entry(path, .directory, permissions: 0o755)
                parts = parts.dropLast()
            }
        }
        for entry in entries { all[entry.path] = entry }
        // In the order of their bytes, which puts a folder before what is in it.
        let sorted = all.values.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        let method: LayerCompression =
            switch compression {
            case .gzip: .gzip(.zlib(level: 6))
            case .zstd: .zstd(level: 1)
            }
        return ListedLayer(entries: sorted, compression: method)
    }
}
