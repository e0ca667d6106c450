// The place of the hidden folder that a write fills: beside its table, also at the root of a file system.
import ComputeRuntime
import Testing

@Suite struct TableOutputFolderTests {
    @Test(arguments: [
        ("hdfs:///data/t", "hdfs:///data", "t"), ("hdfs:///t", "hdfs:///", "t"), ("hdfs://10.0.0.1:8020/t", "hdfs://10.0.0.1:8020", "t"),
        ("/t", "/", "t"), ("/a/b", "/a", "b"), ("t", ".", "t"),
    ])
    func theFolderAboveATableIsInTheSameFileSystem(path: String, parent: String, name: String) {
        let parts = TableOutputFolder.parts(path)
        #expect(parts.parent == parent && parts.name == name, "\(path): \(parts)")
    }
}
