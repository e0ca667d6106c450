// Joins the figures of several processes into one text in Prometheus' form, where a family's lines stand together under one HELP and TYPE.
// Source: Prometheus text exposition format 0.0.4.
import Collections

enum MetricsText {
    /// The first text's families come first. Families about a process come from the first text alone: a sum or a choice would mean nothing.
    static func merged(_ texts: [String]) -> String {
        var families: OrderedDictionary<Substring, (head: [Substring], samples: [Substring])> = [:]
        for (place, text) in texts.enumerated() {
            var family: Substring = ""
            for line in text.split(separator: "\n") {
                if line.hasPrefix("# ") {
                    family = line.split(separator: " ").dropFirst(2).first ?? ""
                    if families[family] == nil { families[family] = ([], []) }
                    if families[family]?.samples.isEmpty == true, families[family]?.head.contains(line) == false {
                        families[family]?.head.append(line)
                    }
                } else if place == 0 || !family.hasPrefix("platform_process_") {
                    families[family]?.samples.append(line)
                }
            }
        }
        return families.values.flatMap { $0.head + $0.samples }.joined(separator: "\n") + "\n"
    }
}
