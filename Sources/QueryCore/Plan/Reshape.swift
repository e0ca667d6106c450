// Relations whose steps depend on the columns of their input: `na.fill`, `describe`, `unpivot`. The analyser resolves the input first and
// asks for the steps with its schema.

package struct Reshape: Sendable {
    package typealias Steps = @Sendable (Schema, Plan) throws(QueryError) -> Plan

    package var input: Plan
    /// The steps over the input, which the second argument stands for; it may stand in them once.
    package var steps: Steps

    package init(_ input: Plan, _ steps: @escaping Steps) {
        self.input = input
        self.steps = steps
    }
}
