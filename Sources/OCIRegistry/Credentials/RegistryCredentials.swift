// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How to log in to a registry.
public enum RegistryCredentials: Sendable, Hashable {
    /// A user and a password, or an access token in a password's place.
    case basic(username: String, password: String)
    /// A refresh token that the registry's token service exchanges for access tokens.
    case identityToken(String)
    /// An access token, sent as it is.
    case registryToken(String)
}

extension RegistryCredentials: CustomStringConvertible, CustomDebugStringConvertible {
    /// Names the kind and the user, never a secret.
    public var description: String {
        switch self {
        case .basic(let username, _): "user \(username)"
        case .identityToken: "an identity token"
        case .registryToken: "a registry token"
        }
    }

    /// The same as `description`.
    public var debugDescription: String { description }
}
