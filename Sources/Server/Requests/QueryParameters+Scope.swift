// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension QueryParameters {
    /// What part of a sandbox's diagnostics is asked for; nil if the query does not say.
    ///
    /// - Parameter what: What is asked for, for the message.
    /// - Throws: ``APIError`` (400) if there is no such scope.
    func scope<Scope: RawRepresentable<String> & CaseIterable>(of what: String) throws -> Scope? {
        guard let text = all("scope").last else { return nil }
        guard let scope = Scope(rawValue: text.lowercased()) else {
            let known = Scope.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError.invalidParameter("There are no \(what) of the scope '\(text)'; the scopes are \(known).")
        }
        return scope
    }
}
