// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// What a target is asked for: an ordinary creation, from the image that the sandbox was captured into.
struct ArrivalRequest: Encodable {
    struct Image: Encodable {
        struct Login: Encodable {
            var username: String
            var password: String
        }

        var uri: String
        var auth: Login?
    }

    struct Platform: Encodable {
        var os: String
        var arch: String
    }

    struct CredentialProxy: Encodable {
        var enabled: Bool
    }

    var image: Image
    var entrypoint: [String]
    var env: [String: String]?
    var metadata: [String: String]?
    var extensions: [String: String]?
    var resourceLimits: [String: String]
    var resourceRequests: [String: String]?
    var timeout: Int?
    var platform: Platform?
    var networkPolicy: NetworkPolicy?
    var credentialProxy: CredentialProxy?
    var secureAccess: Bool?
    var lifecycle: Lifecycle?

    /// The least time to live that can be asked for.
    private static let leastTimeout = 60.0

    /// Reads a move.
    ///
    /// - Parameters:
    ///   - luggage: What travels.
    ///   - image: Where the target finds the image.
    ///   - login: What the target pulls it with, if it has no login of its own.
    ///   - now: When what is left of its time is counted.
    init(_ move: Move, of id: String, _ luggage: Luggage, image: String, login: Image.Login? = nil, at now: Date) {
        let spec = luggage.spec
        self.image = Image(uri: image, auth: login)
        entrypoint = spec.entrypoint
        env = spec.environment.isEmpty ? nil : spec.environment
        metadata = spec.metadata.isEmpty ? nil : spec.metadata
        var extensions = spec.extensions
        if move.keepsID { extensions[SandboxExtension.chosenID] = id }
        self.extensions = extensions.isEmpty ? nil : extensions
        resourceLimits = spec.resourceLimits
        resourceRequests = spec.options?.resourceRequests
        timeout = luggage.expiresAt.map { Int(max(Self.leastTimeout, $0.timeIntervalSince(now).rounded(.up))) }
        platform = spec.platform.flatMap { text in
            let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
            return parts.count == 2 ? Platform(os: parts[0], arch: parts[1]) : nil
        }
        networkPolicy = spec.options?.networkPolicy
        credentialProxy = spec.options?.credentialProxy == true ? CredentialProxy(enabled: true) : nil
        secureAccess = spec.options?.secureAccess
        lifecycle = spec.options?.lifecycle.flatMap { try? JSONParser.parse($0.utf8) }.map { Lifecycle(value: $0) }
    }
}

extension ArrivalRequest {
    /// What a sandbox is told of its lifecycle: any JSON.
    struct Lifecycle: Encodable {
        var value: JSONValue

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch value {
            case .null: try container.encodeNil()
            case .bool(let bool): try container.encode(bool)
            case .integer(let integer): try container.encode(integer)
            case .number(let number): try container.encode(number)
            case .string(let string): try container.encode(string)
            case .array(let elements): try container.encode(elements.map { Lifecycle(value: $0) })
            case .object(let members): try container.encode(members.mapValues { Lifecycle(value: $0) })
            }
        }
    }
}
