// Hadoop's /jmx page: named groups of figures as JSON, from which exporters and scripts read. Each figure is true or left out. Source:
// org.apache.hadoop.jmx.JMXJsonServlet.
import Base
import NetKit

/// One group of figures.
package struct JMXBean: Sendable {
    package enum Value: Sendable {
        case number(Int64)
        case decimal(Double)
        case text(String)

        fileprivate var json: String {
            switch self {
            case .number(let value): "\(value)"
            // JSON has no infinities.
            case .decimal(let value): value.isFinite ? "\(value)" : "0.0"
            case .text(let value): JSONText.quoted(value)
            }
        }
    }
    package typealias Figure = (name: String, value: Value)

    /// `Hadoop:service=NameNode,name=FSNamesystem`.
    package let name: String
    package let figures: [Figure]

    package init(service: String, name: String, _ figures: [Figure]) {
        (self.name, self.figures) = ("Hadoop:service=\(service),name=\(name)", figures)
    }

    fileprivate func json(_ shown: [Figure]) -> String {
        let lines = [("name", Value.text(name))] + shown
        return "{\n" + lines.map { "    \(JSONText.quoted($0.0)) : \($0.1.json)" }.joined(separator: ",\n") + "\n  }"
    }
}

/// The page.
package enum JMXPage {
    package static let path = "/jmx"

    /// `qry` names beans, with * and ? for anything; `get` is `BEAN::FIGURE`.
    package static func answer(_ http: HTTPCall, _ beans: [JMXBean]) -> HTTPReply {
        guard let wanted = http.parameter("get") else {
            let pattern = Array((http.parameter("qry") ?? "*:*").utf8)
            return reply(beans.filter { matches(Array($0.name.utf8)[...], pattern[...]) }.map { $0.json($0.figures) })
        }
        for bean in beans where wanted.beginsWithBytes(of: bean.name + "::") {
            let figure = wanted.droppingBytes(first: bean.name.utf8.count + 2)
            if let found = bean.figures.first(where: { $0.name.hasSameBytes(as: figure) }) { return reply([bean.json([found])]) }
        }
        return .json(404, "{\n  \"result\" : \"ERROR\",\n  \"message\" : \"no such figure; the form is BEAN::FIGURE\"\n}\n")
    }

    private static func reply(_ beans: [String]) -> HTTPReply {
        .text(200, "{\n  \"beans\" : [ \(beans.joined(separator: ", ")) ]\n}\n", type: "application/json; charset=utf8")
    }

    /// Matches from left to right; the last star gives way, so that the work is at most the product of the two lengths.
    package static func matches(_ text: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        var (place, at) = (text.startIndex, pattern.startIndex)
        var star: (at: Int, place: Int)?
        while place < text.endIndex {
            if at < pattern.endIndex, pattern[at] == UInt8(ascii: "*") {
                star = (at, place)
                at += 1
            } else if at < pattern.endIndex, pattern[at] == text[place] || pattern[at] == UInt8(ascii: "?") {
                (place, at) = (place + 1, at + 1)
            } else if let last = star {
                star = (last.at, last.place + 1)
                (place, at) = (last.place + 1, last.at + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
