// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// The body of `POST /pools`.
struct CreatePoolRequest: Equatable {
    /// A DNS name of at most 253 characters.
    var name: String
    /// The pod template, as it was sent.
    var template: RawJSON
    var capacity: PoolCapacity

    /// Reads the body.
    ///
    /// - Throws: ``ValidationError`` with all that is wrong with it.
    init(_ body: RequestObject) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        let name = body["name"].string(.required, &issues)
        if let name, let problem = NameRule.subdomain.problem(with: name) {
            issues.append(ValidationIssue("value_error", at: body["name"].location, "Value error, the name \(problem)"))
        }
        let template = body["template"].object(.required, &issues)
        let capacity = PoolCapacity(body["capacitySpec"], &issues)
        guard issues.isEmpty, let name, let template, let capacity else { throw ValidationError(issues: issues) }
        self.name = name
        self.template = JSONValue.object(template.members).raw
        self.capacity = capacity
    }
}

/// The body of `PUT /pools/{name}`.
struct ResizePoolRequest: Equatable {
    var capacity: PoolCapacity

    /// Reads the body.
    ///
    /// - Throws: ``ValidationError`` with all that is wrong with it.
    init(_ body: RequestObject) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        guard let capacity = PoolCapacity(body["capacitySpec"], &issues), issues.isEmpty else {
            throw ValidationError(issues: issues)
        }
        self.capacity = capacity
    }
}

extension PoolCapacity {
    /// Reads a `capacitySpec`; nil if something is wrong with it, which is an issue then.
    fileprivate init?(_ field: RequestField, _ issues: inout [ValidationIssue]) {
        guard let spec = field.object(.required, &issues) else { return nil }
        let numbers = 0...Int(Int32.max)
        let bufferMax = spec["bufferMax"].integer(.required, in: numbers, &issues)
        let bufferMin = spec["bufferMin"].integer(.required, in: numbers, &issues)
        let poolMax = spec["poolMax"].integer(.required, in: numbers, &issues)
        let poolMin = spec["poolMin"].integer(.required, in: numbers, &issues)
        guard let bufferMax, let bufferMin, let poolMax, let poolMin else { return nil }
        self.init()
        self.bufferMax = bufferMax
        self.bufferMin = bufferMin
        self.poolMax = poolMax
        self.poolMin = poolMin
    }
}
