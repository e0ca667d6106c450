// The error classes of statements about databases, tables and views: SQLSTATE, client's exception and wording, a part of the table in
// `ErrorClass`. Source: Spark's published error conditions.

extension ErrorClass {
    var catalogEntry: (String, QueryError.Kind, String)? {
        guard let (state, template) = databaseEntry ?? tableEntry ?? insertEntry else { return nil }
        return (state, state == "0A000" ? .unsupported : .analysis, template)
    }

    private var databaseEntry: (String, String)? {
        switch self {
        case .catalogNotFound:
            ("42P08", "The catalog <catalogName> not found. Consider to set the SQL config <config> to a catalog plugin.")
        case .dropDefaultDatabase: ("0A000", "The feature is not supported: Drop the default database <database>.")
        case .requiresSinglePartNamespace:
            ("42K05", "<sessionCatalog> requires a single-part namespace, but got identifier <namespace>.")
        case .schemaAlreadyExists:
            (
                "42P06",
                "Cannot create schema <schemaName> because it already exists.\nChoose a different name, drop the existing schema, or add "
                    + "the IF NOT EXISTS clause to tolerate pre-existing schema."
            )
        case .schemaNotEmpty:
            (
                "2BP01",
                "Cannot drop a schema <schemaName> because it contains objects.\nUse DROP SCHEMA ... CASCADE to drop the schema and all "
                    + "its objects."
            )
        case .schemaNotFound:
            (
                "42704",
                "The schema <schemaName> cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not "
                    + "qualify the name with a catalog, verify the current_schema() output, or qualify the name with the correct catalog.\n"
                    + "To tolerate the error on drop use DROP SCHEMA IF EXISTS."
            )
        default: nil
        }
    }

    private var tableEntry: (String, String)? {
        switch self {
        case .expectTableNotView: ("42809", "'<operation>' expects a table but <viewName> is a view.")
        case .invalidRelationName:
            (
                "42602",
                "<name> is not a valid name for tables/schemas. Valid names only contain alphabet characters, numbers and _."
            )
        case .invalidTemporaryReference:
            (
                "42K0F",
                "Cannot create the persistent object <objName> of the type <obj> because it references to the temporary object "
                    + "<tempObjName> of the type <tempObj>. Please make the temporary object <tempObjName> persistent, or make the "
                    + "persistent object <objName> temporary."
            )
        case .locationAlreadyExists:
            (
                "42710",
                "Cannot name the managed table as <identifier>, as its associated location <location> already exists. Please pick a "
                    + "different table name, or remove the existing location first."
            )
        case .recursiveView: ("42K0H", "Recursive view <viewIdent> detected (cycle: <viewIdent> -> <viewIdent>).")
        case .tableOrViewAlreadyExists:
            (
                "42P07",
                "Cannot create table or view <relationName> because it already exists.\nChoose a different name, drop or replace the "
                    + "existing object, or add the IF NOT EXISTS clause to tolerate pre-existing objects."
            )
        case .wrongCommandForObject:
            (
                "42809",
                "The operation <operation> requires a <requiredType>. But <objectName> is a <foundType>. Use <alternative> instead."
            )
        default: nil
        }
    }

    private var insertEntry: (String, String)? {
        let incompatible = "Cannot write incompatible data for the table <tableName>: "
        return switch self {
        case .columnNotDefinedInTable:
            ("42703", "<colType> column <colName> is not defined in table <tableName>, defined table columns are: <tableCols>.")
        case .duplicateKey: ("23505", "Found duplicate keys <keyColumn>.")
        case .incompatibleDataCast: ("KD000", incompatible + "Cannot safely cast <colName> <srcType> to <targetType>.")
        case .incompatibleDataExtraColumns: ("KD000", incompatible + "Cannot write extra columns <extraColumns>.")
        case .insertNotEnoughColumns: ("21S01", Self.arity("not enough data columns"))
        case .insertTooManyColumns: ("21S01", Self.arity("too many data columns"))
        case .nonPartitionColumn: ("42000", "PARTITION clause cannot contain the non-partition column: <columnName>.")
        case .partitionSchemaIsEmpty: ("42601", "The partition command is invalid. Table <name> is not partitioned.")
        case .partitionsAlreadyExist:
            (
                "428FT",
                "Cannot ADD or RENAME TO partition(s) <partitionList> in table <tableName> because they already exist.\nChoose a different "
                    + "name, drop the existing partition, or add the IF NOT EXISTS clause to tolerate a pre-existing partition."
            )
        case .partitionsNotFound:
            (
                "428FT",
                "The partition(s) <partitionList> cannot be found in table <tableName>.\nVerify the partition specification and table "
                    + "name.\nTo tolerate the error on drop use ALTER TABLE … DROP IF EXISTS PARTITION."
            )
        default: nil
        }
    }

    private static func arity(_ reason: String) -> String {
        "Cannot write to <tableName>, the reason is \(reason):\nTable columns: <tableColumns>.\nData columns: <dataColumns>."
    }
}
