// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What the owner of a sandbox asked for when it was created. Afterwards only its metadata changes, whatever becomes of the
/// sandbox: a resumed one starts from another image, but from the same entrypoint, environment and limits.
public struct SandboxSpec: Sendable, Hashable, Codable {
    /// The image as the owner named it: a registry reference, or `oci:<folder>:<tag>` for an image layout. For a sandbox
    /// that is created from a snapshot the runtime fills in the snapshot's own, by digest.
    public var image: String
    /// The snapshot to start from, in place of an image.
    public var snapshotID: String?
    /// The command to run. Empty: what the image's config says.
    public var entrypoint: [String]
    /// Environment variables, added to those of the image and winning over them.
    public var environment: [String: String]
    /// Limits by resource name in Kubernetes' quantities: `cpu` (`500m`), `memory` (`2Gi`).
    public var resourceLimits: [String: String]
    /// The owner's own labels, by which sandboxes are listed; the owner may change them at any time.
    public var metadata: [String: String]
    /// The API's extension parameters, kept as they came.
    public var extensions: [String: String]
    /// `os/architecture` that the sandbox has to run on, as OCI spells it (`linux/amd64`); nil: the runtime's own.
    public var platform: String?
    /// What is mounted into it.
    public var volumes: [SandboxVolume]
    /// What it is to have besides, if anything.
    public var options: SandboxOptions?
    /// Whose it is, by an identity that the API gives to whoever asks; nil where an API knows no owners.
    public var owner: String?
    /// The team that its owner belongs to, which on a cluster is its namespace.
    public var team: String?
    /// The name of the template that it was created from, or the identity of the snapshot.
    public var template: String?
    /// What happens when its time is over; nil: it is deleted.
    public var timeout: TimeoutPolicy?
    /// Who may reach its ports by way of the server; nil: whoever may reach the server.
    public var access: SandboxAccess?

    /// Creates a spec from its values.
    public init(
        image: String,
        snapshotID: String? = nil,
        entrypoint: [String] = [],
        environment: [String: String] = [:],
        resourceLimits: [String: String] = [:],
        metadata: [String: String] = [:],
        extensions: [String: String] = [:],
        platform: String? = nil,
        volumes: [SandboxVolume] = [],
        options: SandboxOptions? = nil,
        owner: String? = nil,
        team: String? = nil,
        template: String? = nil,
        timeout: TimeoutPolicy? = nil,
        access: SandboxAccess? = nil
    ) {
        self.image = image
        self.snapshotID = snapshotID
        self.entrypoint = entrypoint
        self.environment = environment
        self.resourceLimits = resourceLimits
        self.metadata = metadata
        self.extensions = extensions
        self.platform = platform
        self.volumes = volumes
        self.options = options
        self.owner = owner
        self.team = team
        self.template = template
        self.timeout = timeout
        self.access = access
    }

    /// Reads a spec, also one that was written before there were volumes or owners.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            image: try values.decode(String.self, forKey: .image),
            snapshotID: try values.decodeIfPresent(String.self, forKey: .snapshotID),
            entrypoint: try values.decode([String].self, forKey: .entrypoint),
            environment: try values.decode([String: String].self, forKey: .environment),
            resourceLimits: try values.decode([String: String].self, forKey: .resourceLimits),
            metadata: try values.decode([String: String].self, forKey: .metadata),
            extensions: try values.decode([String: String].self, forKey: .extensions),
            platform: try values.decodeIfPresent(String.self, forKey: .platform),
            volumes: try values.decodeIfPresent([SandboxVolume].self, forKey: .volumes) ?? [],
            options: try values.decodeIfPresent(SandboxOptions.self, forKey: .options),
            owner: try values.decodeIfPresent(String.self, forKey: .owner),
            team: try values.decodeIfPresent(String.self, forKey: .team),
            template: try values.decodeIfPresent(String.self, forKey: .template),
            timeout: try values.decodeIfPresent(TimeoutPolicy.self, forKey: .timeout),
            access: try values.decodeIfPresent(SandboxAccess.self, forKey: .access)
        )
    }
}

/// A user name and a password for the registry of one image. It is used for the pull and never stored or logged.
public struct ImageCredentials: Sendable, Hashable {
    /// The user's name.
    public var username: String
    /// The password or token.
    public var password: String

    /// Creates credentials.
    public init(username: String, password: String) {
        self.username = username
        self.password = password
    }
}
