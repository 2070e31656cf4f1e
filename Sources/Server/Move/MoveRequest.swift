// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The body of `POST /sandboxes/{id}/move`.
struct MoveRequest: Equatable {
    var target: Move.Target
    var source: Move.Source
    /// Whether it is to have its identity there, too.
    var keepsID: Bool
    /// Whether it may move although not all of it travels.
    var allowsLoss: Bool

    /// Reads the body.
    ///
    /// - Throws: ``ValidationError``.
    init(_ body: RequestObject) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        let target = Self.target(body["target"], &issues)
        let word = body["source"].string(.nullable, &issues)
        let source = word.map(Move.Source.init(rawValue:)) ?? .keepPaused
        if source == nil {
            issues.append(
                ValidationIssue("enum", at: body["source"].location, "Input should be 'delete' or 'keepPaused'")
            )
        }
        keepsID = body["keepId"].bool(.optional, &issues) ?? true
        allowsLoss = body["allowLoss"].bool(.optional, &issues) ?? false
        guard issues.isEmpty, let target, let source else { throw ValidationError(issues: issues) }
        self.target = target
        self.source = source
    }

    private static func target(_ field: RequestField, _ issues: inout [ValidationIssue]) -> Move.Target? {
        guard let target = field.object(.required, &issues) else { return nil }
        let name = target["name"].string(.nullable, &issues)
        let url = target["url"].string(.nullable, &issues)
        let key = target["apiKey"].string(.nullable, &issues)
        let isHandover = target["handover"].bool(.optional, &issues) ?? false
        guard issues.isEmpty else { return nil }
        switch (name, url, isHandover) {
        case (let name?, nil, false): return .named(name)
        case (nil, let url?, false):
            if let address = ServerConfiguration.Moving.Target.address(url) { return .server(url: address, key: key) }
            issues.append(
                ValidationIssue("url_parsing", at: target["url"].location, "Input should be a URL of http or https")
            )
        case (nil, nil, true): return .handover
        default:
            issues.append(
                ValidationIssue(
                    "value_error",
                    at: field.location,
                    "Value error, Exactly one of name, url and handover must be provided."
                )
            )
        }
        return nil
    }
}

/// The body of `POST /sandboxes/{id}/move/arrival`: somebody who has taken a sandbox says where it runs now.
struct ArrivalReport: Equatable {
    var moveID: String
    var arrival: Move.Arrival

    /// Reads the body.
    ///
    /// - Throws: ``ValidationError``.
    init(_ body: RequestObject) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        let id = body["moveId"].string(.required, &issues)
        let server = body["server"].string(.required, &issues)
        let sandbox = body["sandboxId"].string(.required, &issues)
        guard issues.isEmpty, let id, let server, let sandbox else { throw ValidationError(issues: issues) }
        moveID = id
        arrival = Move.Arrival(server: server, sandboxID: sandbox)
    }
}
