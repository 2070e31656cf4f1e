// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "CustomSnapshotProvider",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "stasis", path: "../..")],
    targets: [
        .executableTarget(
            name: "CustomSnapshotProvider",
            dependencies: [
                .product(name: "Controller", package: "stasis"),
                .product(name: "KubeModels", package: "stasis"),
                .product(name: "SandboxModels", package: "stasis"),
                .product(name: "SnapshotProvider", package: "stasis"),
            ]
        )
    ],
    swiftLanguageModes: [.v6]
)
