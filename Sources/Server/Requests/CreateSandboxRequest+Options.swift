// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

extension CreateSandboxRequest {
    /// What the body asks for that only some runtimes have.
    static func options(_ body: RequestObject, _ issues: inout [ValidationIssue]) -> SandboxOptions {
        var options = SandboxOptions()
        options.resourceRequests = body["resourceRequests"].map(.nullable, &issues)
        options.networkPolicy = networkPolicy(body["networkPolicy"], &issues)
        if let proxy = body["credentialProxy"].object(.nullable, &issues),
            proxy["enabled"].bool(.optional, &issues) == true
        {
            options.credentialProxy = true
        }
        if body["secureAccess"].bool(.optional, &issues) == true { options.secureAccess = true }
        if body["lifecycle"].object(.nullable, &issues) != nil {
            options.lifecycle = body.members["lifecycle"]?.raw.text
        }
        return options
    }

    /// The features that options and a body ask for.
    static func features(_ options: SandboxOptions, _ body: RequestObject) -> Set<SandboxFeature> {
        var features: Set<SandboxFeature> = []
        if options.pool != nil { features.insert(.pool) }
        if options.networkPolicy != nil { features.insert(.networkPolicy) }
        if options.credentialProxy == true { features.insert(.credentialProxy) }
        if options.secureAccess == true { features.insert(.secureAccess) }
        if options.lifecycle != nil { features.insert(.lifecycle) }
        if case .string(let template)? = body.members["templateId"], !template.trimmed.isEmpty {
            features.insert(.template)
        }
        return features
    }

    private static func networkPolicy(_ field: RequestField, _ issues: inout [ValidationIssue]) -> NetworkPolicy? {
        guard let policy = field.object(.nullable, &issues) else { return nil }
        let defaultAction = action(policy["defaultAction"], .nullable, &issues)
        let egress = policy["egress"].list(.nullable, &issues)?
            .compactMap { rule -> NetworkPolicy.Rule? in
                guard let rule = rule.object(.required, &issues) else { return nil }
                let action = action(rule["action"], .required, &issues)
                let target = rule["target"].string(.required, &issues)
                guard let action, let target else { return nil }
                return NetworkPolicy.Rule(action, target)
            }
        return NetworkPolicy(defaultAction: defaultAction, egress: egress)
    }

    private static func action(
        _ field: RequestField,
        _ presence: RequestField.Presence,
        _ issues: inout [ValidationIssue]
    ) -> NetworkPolicy.Action? {
        guard let word = field.string(presence, &issues) else { return nil }
        if let action = NetworkPolicy.Action(rawValue: word) { return action }
        issues.append(ValidationIssue("enum", at: field.location, "Input should be 'allow' or 'deny'"))
        return nil
    }
}
