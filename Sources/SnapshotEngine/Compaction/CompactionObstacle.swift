// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why layers are not merged. They then stay as they are, one on top of the other, which is never wrong.
enum CompactionObstacle: Error, Sendable, Hashable {
    /// A layer is no tar that can be read with certainty.
    case tar(TarError)
    /// A layer cannot be decompressed.
    case compression(String)
    /// A layer is not what the image's config says.
    case diffID(expected: String, found: String)
    /// A name is in one layer twice, or both there and deleted.
    case duplicate(path: String)
    /// The directory of an entry is not in the layer before it.
    case missingDirectory(path: String)
    /// A hard link's target is not a file before it in the same layer.
    case linkTarget(path: String)
    /// The names of a file do not agree about what it is like.
    case linkMetadata(path: String)
    /// A name that only other programs' layers have has a meaning that is not known here.
    case reservedName(path: String)
    /// A name and attributes are longer than readers accept.
    case names(path: String)
    /// There are more names than fit in memory.
    case tooManyPaths(limit: Int)
    /// Unpacked, the layers have more bytes than anybody waits for.
    case tooLarge(limit: Int64)
    /// The layers of this image on this machine are not one to one what the mount has.
    case unknownBase
}

extension CompactionObstacle: CustomStringConvertible {
    var description: String {
        switch self {
        case .tar(let error): "\(error)"
        case .compression(let detail): "a layer cannot be decompressed: \(detail)"
        case .diffID(let expected, let found): "a layer should unpack to \(expected), and is \(found)"
        case .duplicate(let path): "\(path) is in one layer twice"
        case .missingDirectory(let path): "the directory of \(path) is not in its layer"
        case .linkTarget(let path): "the hard link \(path) leads to no file of its layer"
        case .linkMetadata(let path): "the names of the file \(path) do not agree about it"
        case .reservedName(let path): "the name \(path) has a meaning that is not known"
        case .names(let path): "the name and the attributes of \(path) are too long"
        case .tooManyPaths(let limit): "they hold more than \(limit) names"
        case .tooLarge(let limit): "they hold more than \(limit) bytes"
        case .unknownBase: "the mount has not as many layers as the image"
        }
    }
}
