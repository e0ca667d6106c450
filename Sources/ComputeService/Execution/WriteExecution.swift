// Writes of DataFrames: the plan of the rows, the form of the files, the save mode. A write to a table becomes a statement.
import ComputeCore
import ComputeRuntime
import QueryCore
import SparkWire

extension PlanExecution {
    func write(_ operation: Spark_Connect_WriteOperation) throws {
        if case .table(let table) = operation.saveType { return try save(operation, to: table) }
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
        case .table, nil: address = options.last { $0.name.lowercased() == "path" }?.value ?? ""
        }
        guard !address.isEmpty else { throw SparkError.invalidPlan("a write names no path") }
        let plan = try translated(operation.input)
        try session.engine.checkWrite(plan, as: shape)
        let (files, path) = try service.files.resolve(address)
        let exists = try files.status(path) != nil
        switch operation.mode {
        case .ignore where exists: return
        case .append where exists: try run(plan, shape, at: path, in: files, .appending)
        case .overwrite where exists:
            let isDynamic = !shape.partitionColumns.isEmpty && (Self.isDynamic(operation.options) ?? statements.sessionIsDynamic)
            let placement = isDynamic ? TableOutputFolder.Placement.replacingPartitions(fixed: [], onlyWritten: true) : .replacing
            try run(plan, shape, at: path, in: files, placement)
        case .append, .overwrite, .ignore, .errorIfExists, .unspecified, .UNRECOGNIZED:
            if exists { throw QueryError(.pathAlreadyExists, ["outputPath": JobPath.scheme(address) == nil ? "file:\(path)" : address]) }
            try run(plan, shape, at: path, in: files, .new)
        }
    }

    // MARK: Tables

    private func save(_ operation: Spark_Connect_WriteOperation, to save: Spark_Connect_WriteOperation.SaveTable) throws {
        guard !operation.hasBucketBy, operation.sortColumnNames.isEmpty, operation.clusteringColumns.isEmpty else {
            throw SparkError.unsupported("bucketBy, sortBy and clusterBy of tables")
        }
        let name = try ExpressionTranslation.nameParts(save.tableName)
        let query = try translated(operation.input)
        if save.saveMethod == .insertInto {
            guard operation.partitioningColumns.isEmpty else {
                throw SparkError.unsupported("partitionBy with insertInto: the table has its own partitions")
            }
            var insertion = Insertion(table: name, query: query)
            if operation.mode == .overwrite { insertion.replacement = Self.isDynamic(operation.options) == true ? .dynamic : .bySession }
            return _ = try statements.run(.insert(insertion))
        }
        let former = session.engine.hasView(name) && name.count == 1 ? nil : try statements.relation(name)
        switch operation.mode {
        case .ignore where former != nil: return
        case .append where former != nil:
            if let former, operation.hasSource, operation.source.lowercased() != former.format {
                throw SparkError.unsupported(
                    "appending \(operation.source) to the table \(TableName(former).plain), whose files are \(former.format)")
            }
            var insertion = Insertion(table: name, query: query)
            insertion.matching = .byName
            _ = try statements.run(.insert(insertion))
        default:
            var table = TableStatement(name: name, mode: operation.mode == .overwrite ? .newOrReplacing : .new)
            table.format = operation.hasSource ? operation.source : nil
            table.partitionColumns = operation.partitioningColumns
            table.options = operation.options.sorted { $0.key < $1.key }.map { ReadOption($0.key, $0.value) }
            table.query = query
            _ = try statements.run(.createTable(table))
        }
    }

    /// Whether only partitions that get rows are replaced; nil if the write does not say.
    private static func isDynamic(_ options: [String: String]) -> Bool? {
        options.first { $0.key.lowercased() == "partitionoverwritemode" }.map { $0.value.lowercased() == "dynamic" }
    }

    /// DataFrame.writeTo.
    func write(_ operation: Spark_Connect_WriteOperationV2) throws {
        guard operation.clusteringColumns.isEmpty else { throw SparkError.unsupported("clusterBy of tables") }
        let name = try ExpressionTranslation.nameParts(operation.tableName)
        let query = try translated(operation.input)
        var insertion = Insertion(table: name, query: query)
        insertion.matching = .byName
        switch operation.mode {
        case .append: break
        case .overwritePartitions: insertion.replacement = .dynamic
        case .overwrite:
            guard try ExpressionTranslation.expression(operation.overwriteCondition) == .literal(.boolean(true)) else {
                throw SparkError.unsupported("overwrite(condition) of a table, other than lit(True)")
            }
            insertion.replacement = .bySession
        case .create, .replace, .createOrReplace, .unspecified, .UNRECOGNIZED:
            return try create(operation, TableStatement(name: name, mode: Self.creation(operation.mode)), query)
        }
        _ = try statements.run(.insert(insertion))
    }

    private static func creation(_ mode: Spark_Connect_WriteOperationV2.Mode) -> TableStatement.Mode {
        switch mode {
        case .replace: .replacing
        case .createOrReplace: .newOrReplacing
        default: .new
        }
    }

    private func create(_ operation: Spark_Connect_WriteOperationV2, _ statement: TableStatement, _ query: Plan) throws {
        var table = statement
        table.query = query
        table.format = operation.hasProvider ? operation.provider : nil
        for column in operation.partitioningColumns {
            guard case .attribute(let parts, _) = try ExpressionTranslation.expression(column), parts.count == 1 else {
                throw SparkError.unsupported("partitioning by a transform")
            }
            table.partitionColumns.append(parts[0])
        }
        table.options = operation.options.sorted { $0.key < $1.key }.map { ReadOption($0.key, $0.value) }
        table.properties = operation.tableProperties.sorted { $0.key < $1.key }.map { ReadOption($0.key, $0.value) }
        _ = try statements.run(.createTable(table))
    }

    // MARK: Files

    /// Appends share the folder with each other; a replacement has it alone while it changes places, as with tables.
    private func run(_ plan: Plan, _ shape: OutputShape, at path: String, in files: any JobFiles, _ placement: TableOutputFolder.Placement)
        throws
    {
        let locks = service.storage.locks
        let token = operation.token
        guard placement == .appending else {
            return try write(plan, shape, TableOutputFolder(files: files, path: path, id: TableStorage.uniqueID, placement)) { folder in
                try locks.exclusive(path, isCancelled: { token.isCancelled }) { try folder.commit() }
            }
        }
        try locks.shared(path, isCancelled: { token.isCancelled }) {
            try write(plan, shape, TableOutputFolder(files: files, path: path, id: TableStorage.uniqueID, placement)) { try $0.commit() }
        }
    }

    private func write(_ plan: Plan, _ shape: OutputShape, _ folder: TableOutputFolder, commit: (TableOutputFolder) throws -> Void) throws {
        do {
            try session.engine.write(plan, as: shape, to: folder, operation)
            if operation.token.isCancelled { throw QueryError(.operationCancelled) }
            try commit(folder)
        } catch {
            folder.abandon()
            throw error
        }
    }
}
