// Snapshots for clients: one function for each method. Source: ClientNamenodeProtocol.proto.
import Base
import HadoopWire

extension NamenodeProxy {
    /// `method`: allowSnapshot or disallowSnapshot.
    package func changeSnapshottable(_ method: String, _ path: String) async throws {
        let _: EmptyMessage = try await call(method, SnapshotRequest(path))
    }

    /// Returns the path of the new snapshot. Without a name the namenode chooses one.
    package func createSnapshot(_ path: String, name: String?) async throws -> String {
        let answer: TextAnswer = try await call("createSnapshot", SnapshotRequest(path, name))
        return answer.text
    }

    package func deleteSnapshot(_ path: String, name: String) async throws {
        let _: EmptyMessage = try await call("deleteSnapshot", SnapshotRequest(path, name))
    }

    package func renameSnapshot(_ path: String, name: String, to target: String) async throws {
        let _: EmptyMessage = try await call("renameSnapshot", SnapshotRequest(path, name, target))
    }

    /// The directories that may have snapshots; the superuser sees all, others their own.
    package func snapshottableDirectories() async throws -> [SnapshottableDirectory] {
        let answer: NestedListAnswer<SnapshottableDirectory> = try await call("getSnapshottableDirListing", EmptyMessage())
        return answer.list?.elements ?? []
    }

    package func snapshots(_ path: String) async throws -> [SnapshotStatus] {
        let answer: NestedListAnswer<SnapshotStatus> = try await call("getSnapshotListing", SnapshotRequest(path))
        return answer.list?.elements ?? []
    }

    /// An empty name is the present.
    package func snapshotDifferences(_ path: String, from: String, to: String) async throws -> SnapshotDifferences {
        let answer: OptionalAnswer<SnapshotDifferences> = try await call("getSnapshotDiffReport", SnapshotRequest(path, from, to))
        guard let content = answer.content else { throw WireError.unexpectedNull }
        return content
    }
}
