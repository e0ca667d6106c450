// Writes of DataFrames: the plan of the rows, the form of the files, the save mode. Tables of a catalog are refused by name.
import ComputeCore
import ComputeRuntime
import Foundation
import QueryCore
import SparkWire

extension PlanExecution {
    func write(_ operation: Spark_Connect_WriteOperation) throws {
        let name = operation.hasSource ? operation.source.lowercased() : "parquet"
        guard let format = FileFormat(rawValue: name) else { throw SparkError.dataSourceNotFound(name) }
        guard !operation.hasBucketBy, operation.sortColumnNames.isEmpty else {
            throw SparkError.unsupported("bucketBy and sortBy in writing files")
        }
        guard operation.clusteringColumns.isEmpty else { throw SparkError.unsupported("clusterBy in writing files") }
        // Options come as a map; their order has no meaning.
        let options = operation.options.sorted { $0.key < $1.key }.map { ReadOption($0.key, $0.value) }
        let shape = OutputShape(format: format, options: options, partitionColumns: operation.partitioningColumns)
        let address: String
        switch operation.saveType {
        case .path(let path): address = path
        case .table: throw SparkError.unsupported("saving a DataFrame as a table; write files with save(path)")
        case nil: address = options.last { $0.name.lowercased() == "path" }?.value ?? ""
        }
        guard !address.isEmpty else { throw SparkError.invalidPlan("a write names no path") }
        if options.contains(where: { $0.name.lowercased() == "partitionoverwritemode" && $0.value.lowercased() == "dynamic" }) {
            throw SparkError.unsupported("the dynamic partitionOverwriteMode")
        }
        let plan = try translated(operation.input)
        try session.engine.checkWrite(plan, as: shape)
        let (files, path) = try service.files.resolve(address)
        let exists = try files.status(path) != nil
        switch operation.mode {
        case .ignore where exists: return
        case .append where exists: try run(plan, shape, TableOutputFolder(files: files, path: path, id: Self.writeID, .appending))
        case .overwrite where exists: try run(plan, shape, TableOutputFolder(files: files, path: path, id: Self.writeID, .replacing))
        case .append, .overwrite, .ignore, .errorIfExists, .unspecified, .UNRECOGNIZED:
            if exists { throw QueryError(.pathAlreadyExists, ["outputPath": JobPath.scheme(address) == nil ? "file:\(path)" : address]) }
            try run(plan, shape, TableOutputFolder(files: files, path: path, id: Self.writeID, .new))
        }
    }

    private static var writeID: String { UUID().uuidString.lowercased() }

    private func run(_ plan: Plan, _ shape: OutputShape, _ folder: TableOutputFolder) throws {
        do {
            try session.engine.write(plan, as: shape, to: folder, operation)
            if operation.token.isCancelled { throw QueryError(.operationCancelled) }
            try folder.commit()
        } catch {
            folder.abandon()
            throw error
        }
    }
}
