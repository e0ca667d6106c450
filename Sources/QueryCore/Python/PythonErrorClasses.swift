// The error classes of Python functions, a part of the table in `ErrorClass`.

extension ErrorClass {
    var pythonEntry: (String, QueryError.Kind, String)? {
        switch self {
        case .invalidPandasUDFPlacement:
            (
                "0A000", .analysis,
                "The group aggregate pandas UDF <functionList> cannot be invoked together with as other, non-pandas aggregate functions."
            )
        case .pythonException:
            ("38000", .python, "An exception was thrown from the Python worker:\n<traceback>")
        default: nil
        }
    }
}
