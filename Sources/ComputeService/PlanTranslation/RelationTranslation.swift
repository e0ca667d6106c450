// Spark Connect's relations to the engine's unresolved plan: one case for each kind, the families in files beside this one. It resolves no
// name and reads no file. Kinds that the engine lacks are refused by name; an unknown kind is refused too, never skipped.
import QueryCore
import SparkWire

struct RelationTranslation {
    /// Limit of the levels of relations in one plan.
    static let depthMax = 400

    /// Local relations of the session's artifacts, by name.
    let artifacts: SessionArtifacts
    var depth = 0

    func plan(_ relation: Spark_Connect_Relation) throws -> Plan {
        guard depth < Self.depthMax else { throw SparkError.invalidPlan("a plan nests deeper than \(Self.depthMax)") }
        var inner = self
        inner.depth += 1
        let plan = try inner.node(relation)
        return relation.hasCommon && relation.common.hasPlanID ? .identified(planID: relation.common.planID, plan) : plan
    }

    private func node(_ relation: Spark_Connect_Relation) throws -> Plan {
        switch relation.relType {
        case .read(let read): return try source(read)
        case .localRelation(let local): return try source(local)
        case .cachedLocalRelation(let cached): return try source(cached)
        case .chunkedCachedLocalRelation(let cached): return try source(cached)
        case .range(let range): return source(range)
        case .sql(let sql): return try source(sql)
        case .withRelations(let relations): return try withRelations(relations)
        case .project(let project): return try self.project(project)
        case .filter(let filter): return .filter(try ExpressionTranslation.expression(filter.condition), try plan(filter.input))
        case .sort(let sort): return try self.sort(sort)
        case .limit(let limit): return .limit(Int(limit.limit), try plan(limit.input))
        case .offset(let offset): return .offset(Int(offset.offset), try plan(offset.input))
        case .withColumns(let columns): return try withColumns(columns)
        case .withColumnsRenamed(let renamed): return try self.renamed(renamed)
        case .drop(let drop): return try self.drop(drop)
        case .toDf(let names): return .toDF(names.columnNames, try plan(names.input))
        case .subqueryAlias(let alias): return .subqueryAlias(name: alias.alias, columns: [], try plan(alias.input))
        case .deduplicate(let deduplicate): return try self.deduplicate(deduplicate)
        case .aggregate(let aggregate): return try self.aggregate(aggregate)
        case .join(let join): return try self.join(join)
        case .setOp(let operation): return try setOperation(operation)
        // One process holds all partitions and hints change speed only, so these do not change a result.
        case .repartition(let repartition): return try plan(repartition.input)
        case .repartitionByExpression(let repartition): return try plan(repartition.input)
        case .hint(let hint): return try plan(hint.input)
        case .fillNa(let fill): return try self.fill(fill)
        case .dropNa(let drop): return try dropMissing(drop)
        case .replace(let replace): return try self.replace(replace)
        case .describe(let describe): return try self.describe(describe)
        case .summary(let summary): return try self.summary(summary)
        case .corr(let corr):
            guard !corr.hasMethod || corr.method == "pearson" else { throw SparkError.unsupported("the correlation '\(corr.method)'") }
            return try pair("corr", "corr", corr.input, corr.col1, corr.col2)
        case .cov(let cov): return try pair("covar_samp", "cov", cov.input, cov.col1, cov.col2)
        case .approxQuantile(let quantile): return try quantiles(quantile)
        case .freqItems(let items): return try frequentItems(items)
        case .sample(let sample): return try self.sample(sample)
        case .sampleBy(let sample): return try sampleBy(sample)
        case .unpivot(let unpivot): return try self.unpivot(unpivot)
        case .toSchema(let conform): return try self.conform(conform)
        // Rows that come late exist in streams only.
        case .withWatermark(let watermark): return try plan(watermark.input)
        case .unresolvedTableValuedFunction(let function): return try tableFunction(function)
        case .lateralJoin(let join): return try lateralJoin(join)
        case .mapPartitions(let map): return try mapPartitions(map)
        case .groupMap(let map): return try groupMap(map)
        case .coGroupMap(let map): return try coGroupMap(map)
        case let kind?: throw SparkError.unsupported(Self.name(kind))
        case nil: throw SparkError.invalidPlan("a relation is empty or of a kind that this server does not know")
        }
    }

    /// The users' name of a refused relation.
    private static func name(_ kind: Spark_Connect_Relation.OneOf_RelType) -> String {
        let label = Mirror(reflecting: kind).children.first?.label ?? "relation"
        return "the relation '\(label)' of Spark Connect"
    }
}
