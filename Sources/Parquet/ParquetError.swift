// What can be wrong with a Parquet file, with the place in it: a person who reads the message can name the column and the page.

package enum ParquetError: Error, CustomStringConvertible {
    /// The bytes break the format.
    case damaged(String, place: ParquetPlace)
    /// The file uses something that this reader does not know, named in the text.
    case unsupported(String, place: ParquetPlace)
    /// The source of the bytes failed; its own error.
    case failedRead(any Error)

    static func damaged(_ reason: String) -> ParquetError { .damaged(reason, place: .footer) }
    static func unsupported(_ feature: String) -> ParquetError { .unsupported(feature, place: .footer) }

    package var description: String {
        switch self {
        case .damaged(let reason, let place): "The Parquet file is damaged in \(place): \(reason)."
        case .unsupported(let feature, let place): "The Parquet file has \(feature) in \(place), which is not supported."
        case .failedRead(let error): "\(error)"
        }
    }

    /// The same with a place of its own, if it has only the footer's.
    func at(_ place: ParquetPlace) -> ParquetError {
        switch self {
        case .damaged(let reason, .footer): .damaged(reason, place: place)
        case .unsupported(let feature, .footer): .unsupported(feature, place: place)
        default: self
        }
    }
}

package enum ParquetPlace: Hashable, Sendable, CustomStringConvertible {
    case footer
    /// A column by its dotted path; pages count from 0 within the column's chunk, the dictionary included.
    case page(column: String, rowGroup: Int, page: Int)

    package var description: String {
        switch self {
        case .footer: "its footer"
        case .page(let column, let rowGroup, let page): "column \(column), row group \(rowGroup), page \(page)"
        }
    }
}
