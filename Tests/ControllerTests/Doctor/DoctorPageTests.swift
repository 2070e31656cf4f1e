// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import TestSupport
import Testing

@testable import Controller

/// The doctor's words and rights are those of the page and of the roles.
@Suite("What the doctor knows")
struct DoctorPageTests {
    private static let root = URL(fileURLWithPath: #filePath).appending(path: "../../../..").standardized

    @Test("each word has its heading in docs/doctor.md, in its check's section, with how bad it is")
    func headings() throws {
        let page = try String(contentsOf: Self.root.appending(path: "docs/doctor.md"), encoding: .utf8)
        var (section, headings): (String, [String: (section: String, outcome: String)]) = ("", [:])
        var last: String?
        for line in page.split(separator: "\n") {
            if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
            if line.hasPrefix("### ") {
                last = String(line.dropFirst(4))
                headings[last ?? ""] = (section, "")
            } else if let heading = last {
                // The first words after a heading.
                headings[heading]?.outcome = line.split(separator: ".").first.map(String.init)?.lowercased() ?? ""
                last = nil
            }
        }
        #expect(Set(headings.keys) == Set(DoctorReason.allCases.map(\.rawValue)))
        for reason in DoctorReason.allCases {
            let heading = headings[reason.rawValue]
            if let check = reason.check { #expect(heading?.section == check.rawValue, "\(reason.rawValue)") }
            #expect(heading?.outcome == reason.outcome.rawValue, "\(reason.rawValue)")
        }
        for check in DoctorCheck.allCases { #expect(page.contains("\n## \(check.rawValue)\n"), "\(check.rawValue)") }
    }

    /// What one verb is allowed on.
    private struct Grant: Hashable {
        var isEverywhere: Bool
        var group: String
        var resource: String
        var verb: String
        var name: String
    }

    @Test("its list of rights is that of the roles that are deployed")
    func rights() async throws {
        let testbed = try KubernetesTestbed.find()
        let files: [(String, [ControllerRight])] = [
            ("controller/controller-role.yaml", ControllerRight.controller),
            ("controller/leader-role.yaml", ControllerRight.leader),
            ("controller/metrics-roles.yaml", ControllerRight.metrics),
            ("kruise/controller/controller-role.yaml", ControllerRight.kruise),
            ("agent-sandbox/controller/controller-role.yaml", ControllerRight.agentSandbox),
        ]
        for (file, rights) in files {
            let roles = try await testbed.deployed(file).filter {
                $0["kind"]?.string?.hasSuffix("Role") == true
            }
            let deployed = Set(roles.flatMap(Self.grants))
            let known = Set(rights.flatMap(Self.grants))
            #expect(!deployed.isEmpty)
            #expect(known.subtracting(deployed).isEmpty, "\(file): the doctor asks for what no role has")
            #expect(deployed.subtracting(known).isEmpty, "\(file): the doctor does not ask for it")
        }
    }

    private static func grants(of role: JSONValue) -> [Grant] {
        func words(_ value: JSONValue?) -> [String] { (value?.array ?? []).compactMap(\.string) }
        return (role["rules"]?.array ?? []).flatMap { rule in
            words(rule["apiGroups"]).flatMap { group in
                words(rule["resources"]).flatMap { resource in
                    words(rule["verbs"]).flatMap { verb in
                        (rule["resourceNames"] == nil ? [""] : words(rule["resourceNames"])).map { name in
                            Grant(
                                isEverywhere: role["kind"] == "ClusterRole",
                                group: group,
                                resource: resource,
                                verb: verb,
                                name: name
                            )
                        }
                    }
                }
            }
        }
    }

    private static func grants(of right: ControllerRight) -> [Grant] {
        let names: [String] =
            switch right.names {
            case .all: [""]
            case .these(let names): names
            // Those that the role has; flags name others.
            case .logins: ["registry-snapshot-push-secret", "registry-pull-secret"]
            }
        return right.resources.flatMap { resource in
            right.verbs.flatMap { verb in
                names.map { name in
                    Grant(
                        isEverywhere: right.place == .sandboxes || right.place == .cluster,
                        group: right.group,
                        resource: resource,
                        verb: verb,
                        name: name
                    )
                }
            }
        }
    }
}

extension KubernetesTestbed {
    /// The objects of a file of `deploy/`, whatever the cluster has of them.
    func deployed(_ file: String) async throws -> [JSONValue] {
        let root = URL(fileURLWithPath: #filePath).appending(path: "../../../..").standardized
        let path = root.appending(path: "deploy/\(file)").path
        // What is applied would be told as the cluster has it already.
        let text = try await kubectl("create", "--dry-run=client", "--output", "json", "--filename", path)
        return try JSONValue(json: "[\(text.replacing("\n}\n{", with: "\n},\n{"))]").array ?? []
    }
}
