// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What an image runs on, in Go's words as the image specification wants them.
public struct Platform: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The processor: `amd64`, `arm64` ...
    public var architecture: String
    /// The operating system: `linux` ...
    public var os: String
    /// The processor's variant, such as `v7` or `v8`.
    public var variant: String?
    /// The version of the operating system; Windows images have it.
    public var osVersion: String?
    /// Features of the operating system that the image needs.
    public var osFeatures: [String]?

    /// Creates a platform.
    public init(
        os: String,
        architecture: String,
        variant: String? = nil,
        osVersion: String? = nil,
        osFeatures: [String]? = nil
    ) {
        self.architecture = architecture
        self.os = os
        self.variant = variant
        self.osVersion = osVersion
        self.osFeatures = osFeatures
    }

    enum CodingKeys: String, CodingKey {
        case architecture
        case os
        case variant
        case osVersion = "os.version"
        case osFeatures = "os.features"
    }

    /// The platform that this program was built for, with `linux` as the system: containers are Linux containers
    /// wherever they are managed from.
    public static var current: Platform {
        #if arch(x86_64)
        Platform(os: "linux", architecture: "amd64")
        #elseif arch(arm64)
        Platform(os: "linux", architecture: "arm64", variant: "v8")
        #elseif arch(arm)
        Platform(os: "linux", architecture: "arm", variant: "v7")
        #elseif arch(i386)
        Platform(os: "linux", architecture: "386")
        #elseif arch(powerpc64le)
        Platform(os: "linux", architecture: "ppc64le")
        #elseif arch(s390x)
        Platform(os: "linux", architecture: "s390x")
        #elseif arch(riscv64)
        Platform(os: "linux", architecture: "riscv64")
        #else
        Platform(os: "linux", architecture: "unknown")
        #endif
    }

    /// Whether an image for this platform runs on `host`. A variant that either side leaves out, and arm64's `v8`,
    /// which all arm64 processors have, match any.
    public func runs(on host: Platform) -> Bool {
        guard os == host.os, architecture == host.architecture else { return false }
        let implied = architecture == "arm64" ? "v8" : nil
        guard let needed = variant ?? implied, let had = host.variant ?? implied else { return true }
        return needed == had
    }

    /// `linux/amd64`, `linux/arm/v7`.
    public var description: String {
        variant.map { "\(os)/\(architecture)/\($0)" } ?? "\(os)/\(architecture)"
    }
}
