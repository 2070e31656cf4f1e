// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// An error on its way from the holder to its client: what is known is the same error at the other end, with its cause;
/// anything else keeps its words.
struct HolderFailure: Codable, Sendable, Hashable, Error, CustomStringConvertible {
    private indirect enum Kind: Codable, Hashable {
        case invalidID(String)
        case noContainers
        case deadlineInThePast(id: String)
        case alreadyUsed(id: String)
        case notRunning(container: String, status: ContainerTask.Status?)
        case alreadyFrozen(container: String)
        case incomplete(container: String, cause: HolderFailure)
        case interrupted(id: String)
        case notFrozen(id: String)
        case notSealed(id: String)
        case sealed(id: String)
        case stillFrozen(container: String, cause: HolderFailure)
        case holderLost(id: String)
        case holderUnavailable(String)
        case containerd(
            ContainerdError.Code,
            operation: String,
            subject: String,
            message: String,
            advice: String?
        )
        case other(String)
    }

    private let kind: Kind

    init(_ error: any Error) {
        kind =
            switch error {
            case let failure as HolderFailure: failure.kind
            case let error as FreezeError: Self.kind(of: error)
            case let error as ContainerdError:
                .containerd(
                    error.code,
                    operation: error.operation,
                    subject: error.subject,
                    message: error.message,
                    advice: error.advice
                )
            default: .other("\(error)")
            }
    }

    private static func kind(of error: FreezeError) -> Kind {
        switch error {
        case .invalidID(let id): .invalidID(id)
        case .noContainers: .noContainers
        case .deadlineInThePast(let id): .deadlineInThePast(id: id)
        case .alreadyUsed(let id): .alreadyUsed(id: id)
        case .notRunning(let container, let status): .notRunning(container: container, status: status)
        case .alreadyFrozen(let container): .alreadyFrozen(container: container)
        case .incomplete(let container, let cause): .incomplete(container: container, cause: HolderFailure(cause))
        case .interrupted(let id): .interrupted(id: id)
        case .notFrozen(let id): .notFrozen(id: id)
        case .notSealed(let id): .notSealed(id: id)
        case .sealed(let id): .sealed(id: id)
        case .stillFrozen(let container, let cause): .stillFrozen(container: container, cause: HolderFailure(cause))
        case .holderLost(let id): .holderLost(id: id)
        case .holderUnavailable(let reason): .holderUnavailable(reason)
        }
    }

    /// The error that it was; this one itself if it was none of those that are known.
    var error: any Error {
        switch kind {
        case .invalidID(let id): FreezeError.invalidID(id)
        case .noContainers: FreezeError.noContainers
        case .deadlineInThePast(let id): FreezeError.deadlineInThePast(id: id)
        case .alreadyUsed(let id): FreezeError.alreadyUsed(id: id)
        case .notRunning(let container, let status): FreezeError.notRunning(container: container, status: status)
        case .alreadyFrozen(let container): FreezeError.alreadyFrozen(container: container)
        case .incomplete(let container, let cause): FreezeError.incomplete(container: container, cause: cause.error)
        case .interrupted(let id): FreezeError.interrupted(id: id)
        case .notFrozen(let id): FreezeError.notFrozen(id: id)
        case .notSealed(let id): FreezeError.notSealed(id: id)
        case .sealed(let id): FreezeError.sealed(id: id)
        case .stillFrozen(let container, let cause): FreezeError.stillFrozen(container: container, cause: cause.error)
        case .holderLost(let id): FreezeError.holderLost(id: id)
        case .holderUnavailable(let reason): FreezeError.holderUnavailable(reason)
        case .containerd(let code, let operation, let subject, let message, let advice):
            ContainerdError(code, operation: operation, subject: subject, message: message, advice: advice)
        case .other: self
        }
    }

    /// The words of the error that it was.
    var description: String {
        switch kind {
        case .other(let text): text
        default: "\(error)"
        }
    }
}
