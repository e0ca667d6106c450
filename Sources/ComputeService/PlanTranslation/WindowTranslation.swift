// Spark Connect's windows to the engine's: partition, order and frame.
import QueryCore
import SparkWire

enum WindowTranslation {
    static func window(_ proto: Spark_Connect_Expression.Window, _ child: (Spark_Connect_Expression) throws -> Expression) throws
        -> Expression
    {
        var spec = WindowSpec()
        spec.partition = try proto.partitionSpec.map(child)
        spec.orders = try proto.orderSpec.map(ExpressionTranslation.sortOrder)
        if proto.hasFrameSpec { spec.frame = try frame(proto.frameSpec, child) }
        return .window(try child(proto.windowFunction), spec)
    }

    private static func frame(
        _ proto: Spark_Connect_Expression.Window.WindowFrame, _ child: (Spark_Connect_Expression) throws -> Expression
    ) throws -> WindowFrame {
        let unit: WindowFrame.Unit
        switch proto.frameType {
        case .row: unit = .rows
        case .range: unit = .range
        default: throw SparkError.invalidPlan("a window frame has no type")
        }
        return WindowFrame(unit, try bound(proto.lower, isLower: true, child), try bound(proto.upper, isLower: false, child))
    }

    private static func bound(
        _ proto: Spark_Connect_Expression.Window.WindowFrame.FrameBoundary, isLower: Bool,
        _ child: (Spark_Connect_Expression) throws -> Expression
    ) throws -> WindowFrame.Bound {
        switch proto.boundary {
        case .currentRow: return .currentRow
        case .unbounded: return isLower ? .unboundedPreceding : .unboundedFollowing
        // Rows before the present one have negative numbers.
        case .value(let value): return .following(try child(value))
        case nil: throw SparkError.invalidPlan("a window frame has no bound")
        }
    }
}
