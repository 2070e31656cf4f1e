// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// Copies all that a repository has under names.
public struct RepositoryCopy: Sendable {
    /// What became of one name.
    public struct Result: Sendable {
        /// The name.
        public var tag: String
        /// What is at the target, or why it is not.
        public var outcome: Swift.Result<ImageCopy.Outcome, any Error>
    }

    private let copy: ImageCopy

    /// Prepares it.
    ///
    /// - Parameter copy: how, from where and to where. Its source must be a repository that tells its tags.
    public init(_ copy: ImageCopy) {
        self.copy = copy
    }

    /// Copies one name after the other. One that cannot be copied does not keep the others from it.
    ///
    /// - Parameters:
    ///   - progress: makes what is told how far the copy of one name is.
    ///   - tell: told of each what became of it.
    /// - Throws: `ImageCopyError` if the names cannot be listed, `CancellationError`.
    public func run(
        _ source: any ImageRepository,
        progress: (_ tag: String) -> @Sendable (ImageCopyProgress) -> Void = { _ in { _ in } },
        tell: (Result) -> Void
    ) async throws {
        var last: String?
        while true {
            let tags: [String]
            do {
                tags = try await source.tags(after: last, limit: 500)
            } catch let error as RegistryError {
                throw ImageCopyError(.source, error)
            }
            guard let end = tags.last, end != last else { return }
            for tag in tags { try await run(tag, source, progress(tag), tell) }
            last = end
        }
    }

    private func run(
        _ tag: String,
        _ source: any ImageRepository,
        _ progress: @escaping @Sendable (ImageCopyProgress) -> Void,
        _ tell: (Result) -> Void
    ) async throws {
        do {
            // Lists of what refers to an image come with that image.
            if tag.isReferrersTag, try await source.resolve(.tag(tag))?.mediaType.isIndex == true { return }
            tell(Result(tag: tag, outcome: .success(try await copy.run(.tag(tag), progress: progress))))
        } catch let error as CancellationError {
            throw error
        } catch {
            tell(Result(tag: tag, outcome: .failure(error)))
        }
    }
}
