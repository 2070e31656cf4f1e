// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient

/// Whether the controller's account may do what the controller does.
struct PermissionCheck: Sendable {
    /// How many questions are asked at a time.
    private static let width = 16
    private static let remedy =
        "Apply deploy/controller anew (with other dialects also deploy/kruise or "
        + "deploy/agent-sandbox), or add it to the role of the controller's account."

    let context: DoctorContext

    func findings() async throws -> [DoctorFinding] {
        let (client, account) = (context.client, context.settings.account)
        let subject = account.map { "account \($0)" } ?? "who runs this"
        let everything = AccessQuestion(verb: "*", group: "*", resource: "*")
        if try await everything.isAllowed(account, client) {
            return [
                .unchecked(
                    .permissions,
                    subject,
                    "an administrator may do everything, which says nothing of the controller",
                    do: "Name the controller's account: --service-account=stasis-system/stasis-controller."
                )
            ]
        }
        let questions = Self.questions(context)
        let answers = await questions.concurrentMap(width: Self.width) { question in
            (question, try await question.question.isAllowed(account, client))
        }
        var refused: [Question] = []
        for answer in answers {
            let (question, isAllowed) = try answer.get()
            if !isAllowed { refused.append(question) }
        }
        var findings = Self.judge(refused, subject)
        if let blind = try await blindness(subject, refused) { findings.append(blind) }
        guard findings.isEmpty else { return findings }
        return [.ok(.permissions, subject, "it may do all of the \(questions.count) things that the controller does")]
    }

    /// A question, and how much depends on it.
    struct Question: Sendable, Hashable {
        var question: AccessQuestion
        var isAdvisable: Bool
    }

    /// All that is to be asked, with the flags as they are.
    static func questions(_ context: DoctorContext) -> [Question] {
        let options = context.options
        return ControllerRight.all.filter { $0.isNeeded(options) }.flatMap { right -> [Question] in
            let names: [String] =
                switch right.names {
                case .all: [""]
                case .these(let names): names
                case .logins: [options.commitJob.pushSecret, options.commitJob.pullSecret].compactMap(\.self)
                }
            let places: [String] =
                switch right.place {
                case .sandboxes: options.namespaces.isEmpty ? [""] : options.namespaces
                case .cluster: [""]
                case .own: [context.ownNamespace]
                case .lease: [context.leaseNamespace]
                }
            return places.flatMap { place in
                right.resources.flatMap { resource in
                    right.verbs.flatMap { verb in
                        names.map { name in
                            Question(
                                question: AccessQuestion(
                                    verb: verb,
                                    group: right.group,
                                    resource: resource,
                                    name: name,
                                    namespace: place
                                ),
                                isAdvisable: right.need == .advisable
                            )
                        }
                    }
                }
            }
        }
    }

    /// One finding for each kind of object in a namespace.
    static func judge(_ refused: [Question], _ subject: String) -> [DoctorFinding] {
        struct Kind: Hashable {
            var what: String
            var isAdvisable: Bool
        }
        var verbs: [Kind: Set<String>] = [:]
        for refusal in refused {
            let question = refusal.question
            let group = question.group.isEmpty ? "" : ".\(question.group)"
            let name = question.name.isEmpty ? "" : " \(question.name)"
            let place = question.namespace.isEmpty ? "" : " in the namespace \(question.namespace)"
            let what = "\(question.resource)\(group)\(name)\(place)"
            verbs[Kind(what: what, isAdvisable: refusal.isAdvisable), default: []].insert(question.verb)
        }
        return verbs.sorted { $0.key.what < $1.key.what }.map { kind, verbs in
            .fault(
                kind.isAdvisable ? .permissionAdvisable : .permissionMissing,
                subject,
                "it may not \(verbs.sorted().joined(separator: ", ")) \(kind.what)",
                do: remedy
            )
        }
    }

    /// Confined to some namespaces, the controller cannot know who refers to an image, and deletes none.
    private func blindness(_ subject: String, _ refused: [Question]) async throws -> DoctorFinding? {
        guard !context.options.namespaces.isEmpty else { return nil }
        let kinds = ["batchsandboxes", "sandboxsnapshots", "pools"].map {
            AccessQuestion(verb: "list", group: ControllerRight.openSandbox, resource: $0)
        }
        var hidden: [String] = []
        for question in kinds + [AccessQuestion(verb: "list", group: "", resource: "pods")]
        where try await !question.isAllowed(context.settings.account, context.client) {
            hidden.append(question.resource)
        }
        guard !hidden.isEmpty else { return nil }
        return .fault(
            .permissionAdvisable,
            subject,
            "it may not list \(hidden.joined(separator: ", ")) in all namespaces, so no image is deleted by the controller",
            do: "Let it list them everywhere by a ClusterRoleBinding, or keep all images."
        )
    }
}

extension ControllerRight {
    /// Whether the controller needs it with these flags.
    func isNeeded(_ options: ControllerOptions) -> Bool {
        switch need {
        case .always, .advisable: true
        case .dialect(let dialect): options.sandboxes.dialects.contains(dialect)
        case .leaderElection: options.isLeaderElected
        case .secureMetrics: options.metricsAddress != nil && options.isMetricsSecure
        }
    }
}
