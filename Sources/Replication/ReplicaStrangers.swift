// Replicas that leave out different commands would end up with different tables. So each link begins with the sender's refused commands. A
// replica that has not executed one of them leaves it out as well from then on. One that has executed it, and its peer, take nothing more
// of each other and say what an operator does next.
import Base
import Consensus
import Storage

/// A peer whose tables differ from those here by the execution of one command.
struct Stranger {
    var command: RefusedCommand
    /// Whether this replica is the one that leaves the command out.
    var isRefusedHere: Bool

    /// The difference and the next step.
    func description(_ peer: NodeID) -> String {
        let (executed, refused) = isRefusedHere ? ("server \(peer) has", "this one leaves") : ("this server has", "server \(peer) leaves")
        return """
            \(executed) executed the command \(command) that \(refused) out, so their tables differ and neither takes \
            anything of the other; on the fewer servers move meta.sqlite away, and REFUSED if the others have executed \
            the command: they take over the others' tables
            """
    }
}

extension ReplicaHost {
    /// Begins a link with the refused commands; replicas of earlier versions do not know the message, so none is sent without a command.
    func tellRefusedCommands(to peer: NodeID) {
        guard !execution.refused.isEmpty else { return }
        send(.refusedCommands(execution.refused.sorted { $0.slot < $1.slot }), to: peer)
    }

    /// Leaves out the commands that a peer leaves out. The write to disk is on the loop, once for each refusal of an operator: no command
    /// may be executed before it.
    func learn(_ commands: [RefusedCommand], from peer: NodeID) {
        execution.strangers[peer] = nil
        guard reachable.contains(where: { $0.id == peer }) else { return }
        for command in commands where !execution.refused.contains(command) {
            guard command.slot > pump.applied || pump.awaitsTables, transfer.incoming?.isAdopting != true else {
                send(.executed(command), to: peer)
                return part(from: peer, Stranger(command: command, isRefusedHere: false))
            }
            do { try execution.refuse(command) } catch {
                log.error("a refused command could not be noted: the peer's messages are not taken", metadata: ["error": "\(error)"])
                return part(from: peer, Stranger(command: command, isRefusedHere: false))
            }
            log.warning("a command is left out as on another server", metadata: ["command": "\(command)", "peer": "\(peer)"])
        }
    }

    func part(from peer: NodeID, _ stranger: Stranger) {
        execution.strangers[peer] = stranger
        log.error("\(stranger.description(peer))")
        pump.disconnected(peer, now: time.now())
    }

    /// The reason for a missing leader that a stranger explains, or nil.
    var strangerTrouble: String? {
        execution.strangers.min { $0.key < $1.key }.map { $0.value.description($0.key) }
    }
}
