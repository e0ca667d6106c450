"""Who leads, as a broker that is asked in vain says it (KIP-951): single requests to three brokers that kafka_replication_check.py has started."""
import threading

from confluent_kafka import ElectionType, TopicPartition
from kafka import KafkaAdminClient, TopicPartition as Place
from kafka.protocol.consumer import FetchRequest
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.producer import ProduceRequest

from kafka_denials import batch
from kafka_raw import Raw

NOT_LEADER, DENIED, FENCED = 6, 29, 74


class Asker:
    """One connection that asks for the first partition of one topic."""

    def __init__(self, address, topic):
        self.raw, self.topic = Raw(address), topic
        self.session, self.session_epoch = 0, -1

    def metadata(self):
        """The leader's id and epoch, and where each broker is."""
        Topic = MetadataRequest.MetadataRequestTopic
        answer = self.raw.ask(MetadataRequest(topics=[Topic(name=self.topic)], allow_auto_topic_creation=False), 12)
        self.topic_id, part = answer.topics[0].topic_id, answer.topics[0].partitions[0]
        return part.leader_id, part.leader_epoch, {node.node_id: (node.host, node.port, node.rack) for node in answer.brokers}

    def produce(self, version):
        Topic = ProduceRequest.TopicProduceData
        data = [Topic(name=self.topic, topic_id=self.topic_id, partition_data=[Topic.PartitionProduceData(index=0, records=batch())])]
        answer = self.raw.ask(ProduceRequest(transactional_id=None, acks=-1, timeout_ms=5000, topic_data=data), version)
        return answer, answer.responses[0].partition_responses[0]

    def fetch(self, version, epoch=-1, offset=0, wait=0):
        """`epoch` is that of the leader in which this reader believes."""
        Topic = FetchRequest.FetchTopic
        part = Topic.FetchPartition(
            partition=0, current_leader_epoch=epoch, fetch_offset=offset, last_fetched_epoch=-1, log_start_offset=-1, partition_max_bytes=1 << 20)
        answer = self.raw.ask(
            FetchRequest(
                replica_id=-1, max_wait_ms=wait, min_bytes=1, max_bytes=1 << 20, isolation_level=0, session_id=self.session, session_epoch=self.session_epoch,
                topics=[Topic(topic=self.topic, topic_id=self.topic_id, partitions=[part])], forgotten_topics_data=[], rack_id=""), version)
        if self.session_epoch >= 0:
            self.session, self.session_epoch = answer.session_id, self.session_epoch + 1
        return answer, answer.responses[0].partitions[0]


def told(answer, part):
    """The code, the leader that is named with its epoch, and the addresses that come with it."""
    leader = (part.current_leader.leader_id, part.current_leader.leader_epoch) if getattr(part, "current_leader", None) else None
    return part.error_code, leader, {node.node_id: (node.host, node.port, node.rack) for node in getattr(answer, "node_endpoints", None) or []}


def check_leaders(checks, cluster, create_on):
    def broker(number):
        return cluster.brokers[number - 1]

    @checks.check("a broker that does not lead says who does, and where that broker is")
    def _():
        create_on("led-elsewhere", 1, 2)
        # Broker 2 follows; broker 3 has no replica.
        for number in (2, 3):
            asker = Asker(broker(number).address, "led-elsewhere")
            leader, epoch, nodes = asker.metadata()
            assert leader == 1, leader
            wanted = NOT_LEADER, (1, epoch), {1: nodes[1]}
            assert nodes[1][:2] == ("127.0.0.1", broker(1).port), nodes
            for version in (10, 13):
                assert told(*asker.produce(version)) == wanted, asker.produce(version)
            assert told(*asker.produce(9)) == (NOT_LEADER, None, {})
            if number == 3:
                for version in (16, 18):
                    assert told(*asker.fetch(version)) == wanted, asker.fetch(version)
                assert told(*asker.fetch(15)) == (NOT_LEADER, None, {})
        asker = Asker(broker(1).address, "led-elsewhere")
        asker.metadata()
        for answer in (asker.produce(13), asker.fetch(18)):
            assert told(*answer) == (0, None, {}), answer

    @checks.check("who reads from a leader that goes is told of the next one at once, in a session too")
    def _():
        create_on("moves", 1, 2)
        asker = Asker(broker(1).address, "moves")
        _, old, nodes = asker.metadata()
        assert asker.produce(13)[1].error_code == 0
        asker.session_epoch = 0
        assert told(*asker.fetch(18, old)) == (0, None, {})
        found = []
        waiting = threading.Thread(target=lambda: found.append(asker.fetch(18, old, offset=1, wait=20000)))
        waiting.start()
        admin = KafkaAdminClient(bootstrap_servers=cluster.servers.split(","))
        admin.alter_partition_reassignments({Place("moves", 0): [2, 1]})
        admin.close()
        cluster.wait(lambda: cluster.partitions("moves")[0].replicas == [2, 1], "the replicas' new order")
        cluster.admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition("moves", 0)]).result(20)
        waiting.join(15)
        assert not waiting.is_alive(), "the fetch still waits"
        leader, epoch, _ = asker.metadata()
        assert leader == 2 and epoch > old, (leader, epoch, old)
        wanted = FENCED, (2, epoch), {2: nodes[2]}
        assert told(*found[0]) == wanted, found
        # It is said as often as it is asked, by the leader itself as well.
        assert told(*asker.fetch(18, old, offset=1)) == wanted
        at_leader = Asker(broker(2).address, "moves")
        at_leader.metadata()
        assert told(*at_leader.fetch(18, old, offset=1)) == wanted
        assert told(*asker.produce(13)) == (NOT_LEADER, (2, epoch), {2: nodes[2]})

    @checks.check("who may not see a topic is not told who leads it")
    def _():
        create_on("hidden", 1, 2)
        asker = Asker(broker(3).address, "hidden")
        asker.metadata()
        assert told(*asker.fetch(18))[0] == NOT_LEADER
        allowing = list(broker(3).arguments)
        for extra, is_denied in ((["--set", "broker.access-rules=true"], True), ([], False)):
            broker(3).process.terminate()
            broker(3).process.wait(15)
            broker(3).arguments = allowing + extra
            broker(3).start()
            broker(3).wait_ready()
            asker.raw = Raw(broker(3).address)
            for answer in (asker.produce(12), asker.fetch(18)):
                code, leader, nodes = told(*answer)
                assert (code, leader, nodes) == (DENIED, None, {}) if is_denied else (code, leader[0], list(nodes)) == (NOT_LEADER, 1, [1]), answer
        cluster.wait(lambda: len(cluster.admin.list_topics(timeout=5).brokers) == 3, "all brokers")
