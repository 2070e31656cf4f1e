// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "FirstProvider",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "stasis", path: "../..")],
    targets: [
        .executableTarget(
            name: "FirstProvider",
            dependencies: [
                .product(name: "Controller", package: "stasis"),
                .product(name: "KubeModels", package: "stasis"),
                .product(name: "OCIRegistry", package: "stasis"),
                .product(name: "SandboxModels", package: "stasis"),
                .product(name: "SnapshotProvider", package: "stasis"),
            ]
        ),
        .testTarget(
            name: "FirstProviderTests",
            dependencies: [
                "FirstProvider",
                .product(name: "SandboxModels", package: "stasis"),
                .product(name: "SnapshotProvider", package: "stasis"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
