// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a token is for, as the token specification of the distribution project writes it:
/// `repository:team/app:pull,push`.
struct AccessScope: Sendable, Hashable {
    /// `repository`, or what else a registry has.
    let type: String
    /// The repository.
    let name: String
    /// `pull`, `push` ...
    var actions: Set<String>

    static func pull(_ repository: String) -> AccessScope {
        AccessScope(type: "repository", name: repository, actions: ["pull"])
    }

    static func push(_ repository: String) -> AccessScope {
        AccessScope(type: "repository", name: repository, actions: ["pull", "push"])
    }

    static func delete(_ repository: String) -> AccessScope {
        AccessScope(type: "repository", name: repository, actions: ["delete", "pull"])
    }

    init(type: String, name: String, actions: Set<String>) {
        self.type = type
        self.name = name
        self.actions = actions
    }

    /// Reads `type:name:actions`; the name may have colons itself.
    init?(_ text: Substring) {
        guard let first = text.firstIndex(of: ":"), let last = text.lastIndex(of: ":"), first < last else { return nil }
        type = String(text[..<first])
        name = String(text[text.index(after: first)..<last])
        actions = Set(text[text.index(after: last)...].split(separator: ",").map(String.init))
    }

    /// `pull` before `push`, as everybody writes it.
    var written: String { "\(type):\(name):\(actions.sorted().joined(separator: ","))" }

    /// The scopes of both lists, one for each resource, in a fixed order.
    static func union(_ scopes: [AccessScope]) -> [AccessScope] {
        var merged: [String: AccessScope] = [:]
        for scope in scopes {
            merged["\(scope.type):\(scope.name)", default: scope].actions.formUnion(scope.actions)
        }
        return merged.sorted { $0.key < $1.key }.map(\.value)
    }
}
