// Messages to plans and errors to messages: names, literals, schemas as text, settings, and the form of an error on the wire.
import QueryCore
import SparkWire
import Testing

@testable import ComputeService

@Suite struct TranslationTests {
    @Test func namesAreCutAtDotsOutsideOfBackticks() throws {
        #expect(try ExpressionTranslation.nameParts("a") == ["a"])
        #expect(try ExpressionTranslation.nameParts("t.`a.b`.c") == ["t", "a.b", "c"])
        #expect(try ExpressionTranslation.nameParts("`a``b`") == ["a`b"])
        #expect(throws: SparkError.self) { try ExpressionTranslation.nameParts("`open") }
    }

    @Test func decimalLiteralsKeepTheirScale() throws {
        var proto = Spark_Connect_Expression.Literal()
        proto.decimal.value = "-12.5"
        proto.decimal.precision = 10
        proto.decimal.scale = 3
        #expect(try LiteralTranslation.literal(proto) == Literal(.decimal(-12_500), .decimal(precision: 10, scale: 3)))
        proto.decimal.scale = 0
        #expect(throws: SparkError.self) { try LiteralTranslation.literal(proto) }
    }

    @Test func valuesThatAreNotOfTheirTypeAreRefused() throws {
        var refused: [Spark_Connect_Expression.Literal] = []
        func add(_ fill: (inout Spark_Connect_Expression.Literal) -> Void) {
            var proto = Spark_Connect_Expression.Literal()
            fill(&proto)
            refused.append(proto)
        }
        for (value, precision, scale) in [
            ("1", 5, -1), ("1", 5, Int32.max), ("1", Int32.max, 0), ("1", -1, 0), ("1", 3, 4), ("1.2.3", 5, 2), ("٣", 5, 2),
            ("12345", 4, 0),
        ] as [(String, Int32, Int32)] {
            add {
                $0.decimal.value = value
                $0.decimal.precision = precision
                $0.decimal.scale = scale
            }
        }
        var text = Spark_Connect_Expression.Literal()
        text.string = "x"
        add { $0.byte = 300 }
        add { $0.short = -40_000 }
        add {
            $0.array.elementType.integer = .init()
            $0.array.elements = [text]
        }
        add {
            $0.map.keys = [text]
            $0.map.values = [text]
            $0.map.keyType.date = .init()
            $0.map.valueType.string = .init()
        }
        add {
            $0.struct.elements = [text]
            $0.struct.structType.struct.fields = []
        }
        for proto in refused { #expect(throws: SparkError.self, "\(proto)") { try LiteralTranslation.literal(proto) } }
        var type = Spark_Connect_DataType()
        for (precision, scale) in [(0, 0), (39, 0), (5, 6), (5, -1)] as [(Int32, Int32)] {
            type.decimal.precision = precision
            type.decimal.scale = scale
            let decimal = type
            #expect(throws: SparkError.self) { try TypeTranslation.type(decimal) }
        }
    }

    @Test func schemasAreReadAsJSONAndAsDDL() throws {
        let json = """
            {"type":"struct","fields":[{"name":"a","type":"integer","nullable":false,"metadata":{}},
            {"name":"b","type":{"type":"array","elementType":"string","containsNull":true},"nullable":true,"metadata":{}}]}
            """
        let schema = try SchemaText.schema(json)
        #expect(schema.ddl == "a INT NOT NULL,b ARRAY<STRING>")
        #expect(try SchemaText.schema(schema.ddl) == schema)
        #expect(try TypeTranslation.schema(TypeTranslation.proto(schema)) == schema)
    }

    @Test func emptyAndDeepMessagesAreRefusedNotFollowed() {
        let translation = RelationTranslation(artifacts: SessionArtifacts(ComputeMemory(bytesMax: 0)))
        #expect(throws: SparkError.self) { try translation.plan(Spark_Connect_Relation()) }
        var relation = Spark_Connect_Relation()
        relation.range.end = 1
        for _ in 0..<(RelationTranslation.depthMax + 1) {
            var outer = Spark_Connect_Relation()
            outer.limit.input = relation
            relation = outer
        }
        let deep = relation
        let error = #expect(throws: SparkError.self) { try translation.plan(deep) }
        #expect(error?.errorClass == "CONNECT_INVALID_PLAN.INVALID_PLAN")
    }

    @Test func errorsCarryWhatPySparkLooksFor() throws {
        let error = SparkError.configNotFound("x").rpcError(errorID: "id")
        let bytes = try #require(error.metadata[binaryValues: "grpc-status-details-bin"].first { _ in true })
        let status = try #require(SparkMessages.decode(Google_Rpc_Status.self, bytes))
        let info = try #require(SparkMessages.unpack(Google_Rpc_ErrorInfo.self, from: status.details[0]))
        #expect(status.code == 13 && error.code == .internalError)
        #expect(
            info.metadata["errorClass"] == "SQL_CONF_NOT_FOUND" && info.metadata["sqlState"] == "42K0I" && info.metadata["errorId"] == "id")
        #expect(info.metadata["classes"]?.hasPrefix("[\"org.apache.spark.SparkNoSuchElementException\"") == true)
        #expect(info.metadata["messageParameters"] == "{\"sqlConf\":\"\\\"x\\\"\"}")
    }

    @Test func longMessagesAreCutInMetadataAndWholeInTheDetails() {
        let long = SparkError.unsupported(String(repeating: "ä", count: 5_000))
        #expect(long.rpcError(errorID: nil).message.utf8.count <= 2_048 && long.details.message.utf8.count > 10_000)
    }

    @Test func settingsHaveDefaultsAndWhatIsFixedStaysSo() throws {
        var config = SessionConfig()
        #expect(config["spark.sql.session.timeZone"] == "UTC" && config["spark.nothing"] == nil)
        try config.set("spark.nothing", "1")
        #expect(config["spark.nothing"] == "1")
        config.unset("spark.nothing")
        #expect(config["spark.nothing"] == nil)
        #expect(throws: SparkError.self) { try config.set("spark.sql.ansi.enabled", "false") }
        #expect(config.all(prefix: "spark.sql.ansi.").map(\.key) == ["enabled"])
    }
}
