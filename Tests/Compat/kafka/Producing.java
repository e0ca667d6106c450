// KafkaProducer: what is sent arrives as it was sent, whatever the codec, the acknowledgements and the size.
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.record.TimestampType;

class Producing extends Check {
    static void all() {
        check("producer: idempotent by default, offsets in order", Producing::offsetsInOrder);
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) check("producer: codec " + codec, () -> codec(codec));
        for (String acks : List.of("0", "1", "all")) check("producer: acks " + acks, () -> acks(acks));
        check("producer: headers, keys, timestamps and null values", Producing::parts);
        check("producer: keys go to one partition", Producing::partitioner);
        check("producer: large batches and many records", Producing::large);
        check("producer: a record beyond max.message.bytes is refused", Producing::tooLarge);
        check("producer: a record without a key is refused in a compacted topic", Producing::withoutKey);
        check("producer: metrics and partitionsFor", Producing::metrics);
        check("producer: LogAppendTime is told", Producing::appendTime);
    }

    private static void offsetsInOrder() throws Exception {
        String topic = topic(1);
        try (var producer = producer()) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < 100; i++) sent.add(producer.send(new ProducerRecord<>(topic, "v" + i)));
            producer.flush();
            for (int i = 0; i < 100; i++) equal(sent.get(i).get().offset(), (long) i);
        }
        hold(admin.describeProducers(List.of(first(topic))).all().get().get(first(topic)).activeProducers().size() == 1, "one producer is known");
        equal(values(topic, "read_uncommitted"), numbered(0, 100));
    }

    private static void codec(String codec) throws Exception {
        String topic = topic(1);
        try (var producer = producer("compression.type", codec, "linger.ms", 50)) {
            for (int i = 0; i < 300; i++) producer.send(new ProducerRecord<>(topic, "v" + i));
        }
        equal(values(topic, "read_uncommitted"), numbered(0, 300));
    }

    private static void acks(String acks) throws Exception {
        String topic = topic(1);
        try (var producer = producer("acks", acks, "enable.idempotence", acks.equals("all"))) {
            for (int i = 0; i < 50; i++) producer.send(new ProducerRecord<>(topic, "v" + i));
        }
        until(() -> values(topic, "read_uncommitted").equals(numbered(0, 50)), "all fifty records");
    }

    private static void parts() throws Exception {
        String topic = topic(2);
        try (var producer = producer(); var consumer = consumer()) {
            ProducerRecord<String, String> full = new ProducerRecord<>(topic, 1, 1234567890123L, "key", "value");
            full.headers().add("a", bytes("1")).add("a", bytes("2")).add("none", null);
            producer.send(full).get();
            producer.send(new ProducerRecord<>(topic, 1, "key", null)).get();
            consumer.assign(List.of(new org.apache.kafka.common.TopicPartition(topic, 1)));
            var found = take(consumer, 2);
            equal(found.get(0).timestamp(), 1234567890123L);
            equal(found.get(0).timestampType(), TimestampType.CREATE_TIME);
            equal(found.get(0).key(), "key");
            equal(found.get(0).headers(), full.headers());
            hold(found.get(0).leaderEpoch().isPresent(), "a leader epoch");
            hold(found.get(1).value() == null, "a null value");
        }
    }

    private static void partitioner() throws Exception {
        String topic = topic(4);
        try (var producer = producer()) {
            for (String key : List.of("a", "b", "c", "d", "e")) {
                int place = producer.send(new ProducerRecord<>(topic, key, "1")).get().partition();
                equal(place, org.apache.kafka.common.utils.Utils.toPositive(org.apache.kafka.common.utils.Utils.murmur2(bytes(key))) % 4);
            }
        }
    }

    private static void large() throws Exception {
        String topic = topic(2);
        String padding = "x".repeat(1000);
        try (var producer = producer("batch.size", 900_000, "linger.ms", 50)) {
            for (int i = 0; i < 5000; i++) producer.send(new ProducerRecord<>(topic, "k" + i, padding + i));
        }
        equal(values(topic, "read_uncommitted").size(), 5000);
    }

    private static void tooLarge() throws Exception {
        String topic = topic(1, "max.message.bytes", "2000");
        try (var producer = producer()) {
            refused(RecordTooLargeException.class, () -> producer.send(new ProducerRecord<>(topic, "x".repeat(5000))).get());
            producer.send(new ProducerRecord<>(topic, "v0")).get();
        }
        equal(values(topic, "read_uncommitted"), numbered(0, 1));
    }

    private static void withoutKey() throws Exception {
        String topic = topic(1, "cleanup.policy", "compact");
        try (var producer = producer()) {
            refused(org.apache.kafka.common.InvalidRecordException.class, () -> producer.send(new ProducerRecord<>(topic, "v")).get());
        }
    }

    private static void metrics() throws Exception {
        String topic = topic(3);
        try (var producer = producer()) {
            producer.send(new ProducerRecord<>(topic, "v0")).get();
            equal(producer.partitionsFor(topic).size(), 3);
            hold(producer.metrics().values().stream().anyMatch(m -> m.metricName().name().equals("record-send-total") && (double) m.metricValue() >= 1), "record-send-total");
        }
    }

    private static void appendTime() throws Exception {
        String topic = topic(1, "message.timestamp.type", "LogAppendTime");
        long before = System.currentTimeMillis() - 60_000;
        try (var producer = producer(); var consumer = consumer()) {
            hold(producer.send(new ProducerRecord<>(topic, null, 5L, "k", "v")).get().timestamp() > before, "the broker's time in the answer");
            consumer.assign(List.of(first(topic)));
            var found = take(consumer, 1).get(0);
            equal(found.timestampType(), TimestampType.LOG_APPEND_TIME);
            hold(found.timestamp() > before, "the broker's time in the record");
        }
    }
}
