// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why a root filesystem could not be made into a layer.
public enum RootfsError: Error, Sendable, Hashable {
    /// A line of mountinfo, or the options of a mount, are not what they must be.
    case malformedMount(reason: String)
    /// What is mounted there is not an overlay, or nothing is.
    case notOverlay(mountPoint: String, found: String?)
    /// The upper directory is not the whole difference, or cannot be shown to be.
    case unsuitable(OverlayObstacle)
    /// This process cannot see everything in the upper directory; without these, parts would be missing without an error.
    case notPermitted(missing: [String])
    /// A file is named as only whiteouts may be; unpacked, it would delete another file.
    case reservedName(path: String)
    /// The tree is not what it was a moment ago.
    case changed(path: String, detail: String)
    /// A file that an OCI layer cannot hold.
    case notStorable(path: String, detail: String)
    /// With this file the layer would be larger than `LayerOptions.sizeLimit`.
    case tooLarge(path: String, limit: Int64)
    /// A system call failed.
    case system(operation: String, path: String, code: Int32)
    /// The compression library refused.
    case compression(String)
    /// The summary of a layer was asked for before its stream had been read to the end.
    case unfinished
}

extension RootfsError: CustomStringConvertible {
    /// What happened, to what, and what to do about it.
    public var description: String {
        switch self {
        case .malformedMount(let reason):
            return "the description of an overlay mount cannot be read: \(reason)"
        case .notOverlay(let mountPoint, let found):
            let what = found.map { "a \($0) filesystem is" } ?? "nothing is"
            return
                "\(what) mounted at \(mountPoint), where an overlay was expected: the container's snapshotter must be overlayfs, and its runtime one that runs it on "
                + "this kernel, in that filesystem"
        case .unsuitable(let obstacle):
            return "the upper directory cannot be captured: \(obstacle)"
        case .notPermitted(let missing):
            return
                "this process lacks \(missing.joined(separator: ", ")): deleted directories and private files would be "
                + "missing in the layer, or it could be another sandbox's; run it as root with these capabilities in the initial user namespace"
        case .reservedName(let path):
            return
                "the file \(path) has a name that OCI layers reserve for deletions (.wh.): unpacked, it would delete "
                + "another file; rename or remove it"
        case .changed(let path, let detail):
            return
                "\(path) changed during the capture: \(detail); the container must be frozen, and its snapshot kept, meanwhile"
        case .notStorable(let path, let detail):
            return "\(path) cannot be stored in an OCI layer: \(detail)"
        case .tooLarge(let path, let limit):
            return "with \(path) the layer would be larger than \(limit) bytes: remove large files, or raise the limit"
        case .system(let operation, let path, let code):
            return "\(operation) \(path): \(SystemCall.message(code)) (errno \(code))"
        case .compression(let detail):
            return "compressing the layer failed: \(detail)"
        case .unfinished:
            return "the layer's summary is known only after its stream has been read to the end"
        }
    }
}
