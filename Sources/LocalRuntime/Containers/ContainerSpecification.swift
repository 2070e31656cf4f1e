// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry
public import SandboxModels

/// What a sandbox's container is to be, put together from what its owner asked for and what its image says. Pure: it
/// has read nothing of the machine or the image's files.
public struct ContainerSpecification: Sendable {
    /// The sandbox's identity; the container, its snapshot and its address lease have the same name.
    public let id: String
    /// The host name inside.
    public let hostname: String
    /// The command and its arguments; never empty.
    public let arguments: [String]
    /// `NAME=value` each, every name once.
    public let environment: [String]
    /// An absolute path inside.
    public let workingDirectory: String
    /// The user in the form of an image's config, see `ContainerUser`.
    public let user: String
    /// What it may use.
    public let limits: ResourceLimits
    /// What is mounted into it.
    public let volumes: [SandboxVolume]
    /// The image's architecture in OCI's words, `amd64` or `arm64`.
    public let architecture: String

    /// The search path of programs unless the image or the owner says something else.
    static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Puts a specification together.
    ///
    /// - Parameters:
    ///   - id: up to 76 letters, digits, `-`, `_` and `.`, the first a letter or digit (containerd's identifiers).
    ///   - sandbox: what the owner asked for. Its entrypoint, if any, replaces the image's entrypoint and command; its
    ///     environment is added to the image's and wins.
    ///   - image: the config of the image to run.
    /// - Throws: `SandboxError` with the code `invalidParameter` if a value cannot be used, or if neither the owner nor
    ///   the image names a command; `invalidMountPath` for volumes.
    public init(id: String, sandbox: SandboxSpec, image: ImageConfig) throws(SandboxError) {
        guard Self.isIdentifier(id) else {
            throw SandboxError(
                .invalidParameter,
                "`\(id)` cannot name a sandbox here: use up to 76 letters, digits, `-`, `_` and `.`, the first a "
                    + "letter or digit."
            )
        }
        self.id = id
        hostname = String(id.prefix(63))
        limits = try ResourceLimits(sandbox.resourceLimits)
        architecture = image.architecture
        user = image.config.user ?? ""
        volumes = sandbox.volumes
        _ = try MountPath.ordered(volumes)

        let fromImage = (image.config.entrypoint ?? []) + (image.config.cmd ?? [])
        arguments = sandbox.entrypoint.isEmpty ? fromImage : sandbox.entrypoint
        guard let program = arguments.first, !program.isEmpty else {
            throw SandboxError(
                .invalidParameter,
                "Neither the request nor the image names a command to run. Give an entrypoint."
            )
        }
        guard arguments.allSatisfy(Self.isPassable) else {
            throw SandboxError(.invalidParameter, "The entrypoint contains a zero byte, which no program can be given.")
        }

        environment = try Self.environment(
            of: image.config.env ?? [],
            adding: sandbox.environment,
            hostname: hostname
        )
        let directory = image.config.workingDir ?? ""
        workingDirectory = directory.isEmpty ? "/" : directory
        guard workingDirectory.hasPrefix("/"), Self.isPassable(workingDirectory) else {
            throw SandboxError(
                .invalidParameter,
                "The image's working directory `\(workingDirectory)` is not an absolute path."
            )
        }
    }

    /// The image's variables, then the owner's, later ones replacing earlier ones of the same name in their place.
    private static func environment(
        of image: [String],
        adding owner: [String: String],
        hostname: String
    ) throws(SandboxError) -> [String] {
        var names: [String] = []
        var values: [String: String] = [:]
        func set(_ name: String, _ value: String) {
            if values.updateValue(value, forKey: name) == nil { names.append(name) }
        }
        set("PATH", defaultPath)
        set("HOSTNAME", hostname)
        for entry in image where isPassable(entry) {
            guard let separator = entry.firstIndex(of: "="), separator != entry.startIndex else { continue }
            set(String(entry[..<separator]), String(entry[entry.index(after: separator)...]))
        }
        for (name, value) in owner.sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, !name.contains("="), isPassable(name), isPassable(value) else {
                throw SandboxError(
                    .invalidParameter,
                    "`\(name)` cannot be an environment variable: a name is not empty and has no `=`, and neither name "
                        + "nor value has a zero byte."
                )
            }
            set(name, value)
        }
        return names.map { "\($0)=\(values[$0] ?? "")" }
    }

    /// Whether containerd and the network plugins take it as a name.
    static func isIdentifier(_ id: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
        guard let first = id.utf8.first, let last = id.utf8.last, id.utf8.count <= 76 else { return false }
        var separated = false
        for byte in id.utf8 {
            let separator = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            // containerd wants a letter or digit between two separators.
            guard separator != isAlphanumeric(byte), !(separator && separated) else { return false }
            separated = separator
        }
        return isAlphanumeric(first) && isAlphanumeric(last)
    }

    /// Whether the text can be handed to a program, which ends at the first zero byte.
    private static func isPassable(_ text: String) -> Bool { !text.utf8.contains(0) }
}
