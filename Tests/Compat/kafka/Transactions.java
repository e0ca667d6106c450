// Transactions of KafkaProducer, and what administrators see and do of them.
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;

class Transactions extends Check {
    static void all() {
        check("transactions: committed is seen, aborted is not", Transactions::outcomes);
        check("transactions: offsets go with them", Transactions::offsets);
        check("transactions: a second producer of the id fences the first", Transactions::fencing);
        check("transactions: many in a row", Transactions::many);
        check("transactions: listed and described", Transactions::described);
        check("transactions: fenceProducers", Transactions::fenced);
        check("transactions: an open one ends by its timeout", Transactions::timeout);
    }

    /** An abort drops what the client has not sent; a commit on the heels of a first record may overtake it, and is refused with INVALID_TXN_STATE. */
    private static void end(KafkaProducer<String, String> producer, boolean commit) {
        producer.flush();
        if (commit) producer.commitTransaction(); else producer.abortTransaction();
    }

    private static void outcomes() throws Exception {
        String topic = topic(2);
        try (var producer = producer("transactional.id", fresh("txn"))) {
            producer.initTransactions();
            for (int round = 0; round < 4; round++) {
                producer.beginTransaction();
                for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(topic, i % 2, "k", (round % 2 == 0 ? "v" : "w") + (round / 2 * 10 + i)));
                end(producer, round % 2 == 0);
            }
        }
        equal(values(topic, "read_committed"), numbered(0, 20));
        equal(values(topic, "read_uncommitted").size(), 40);
    }

    private static void offsets() throws Exception {
        for (String protocol : List.of("classic", "consumer")) {
            String source = topic(1), target = topic(1), group = fresh("group");
            send(source, 0, 10);
            try (var consumer = consumer("group.id", group, "group.protocol", protocol); var producer = producer("transactional.id", fresh("txn"))) {
                consumer.subscribe(List.of(source));
                producer.initTransactions();
                var records = take(consumer, 10);
                for (boolean commit : List.of(false, true)) {
                    producer.beginTransaction();
                    for (var record : records) producer.send(new ProducerRecord<>(target, record.value()));
                    producer.sendOffsetsToTransaction(Map.of(first(source), new OffsetAndMetadata(10)), consumer.groupMetadata());
                    end(producer, commit);
                    var found = consumer.committed(java.util.Set.of(first(source))).get(first(source));
                    hold(commit ? found.offset() == 10 : found == null, protocol + ": committed is " + found);
                }
            }
            equal(values(target, "read_committed"), numbered(0, 10));
        }
    }

    private static void fencing() throws Exception {
        String topic = topic(1), id = fresh("txn");
        var old = producer("transactional.id", id);
        old.initTransactions();
        old.beginTransaction();
        old.send(new ProducerRecord<>(topic, "w0")).get();
        try (var next = producer("transactional.id", id)) {
            next.initTransactions();
            next.beginTransaction();
            next.send(new ProducerRecord<>(topic, "v0")).get();
            refused(ProducerFencedException.class, old::commitTransaction);
            next.commitTransaction();
        }
        old.close();
        equal(values(topic, "read_committed"), numbered(0, 1));
    }

    private static void many() throws Exception {
        String topic = topic(1);
        try (var producer = producer("transactional.id", fresh("txn"))) {
            producer.initTransactions();
            for (int i = 0; i < 50; i++) {
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(topic, "v" + i));
                end(producer, true);
            }
        }
        equal(values(topic, "read_committed"), numbered(0, 50));
    }

    private static void described() throws Exception {
        String topic = topic(1), id = fresh("txn");
        try (var producer = producer("transactional.id", id)) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "v0")).get();
            hold(admin.listTransactions(new ListTransactionsOptions().filterStates(List.of(TransactionState.ONGOING))).all().get().stream().anyMatch(t -> t.transactionalId().equals(id)), "it is listed");
            hold(admin.listTransactions(new ListTransactionsOptions().filterOnDuration(3_600_000)).all().get().stream().noneMatch(t -> t.transactionalId().equals(id)), "it is not an hour old");
            var found = admin.describeTransactions(List.of(id)).all().get().get(id);
            equal(found.state(), TransactionState.ONGOING);
            equal(found.topicPartitions(), java.util.Set.of(first(topic)));
            var active = admin.describeProducers(List.of(first(topic))).all().get().get(first(topic)).activeProducers().get(0);
            equal(active.currentTransactionStartOffset().getAsLong(), 0L);
            producer.commitTransaction();
        }
        until(() -> admin.describeTransactions(List.of(id)).all().get().get(id).state() == TransactionState.COMPLETE_COMMIT, "it is complete");
    }

    private static void fenced() throws Exception {
        String topic = topic(1), id = fresh("txn");
        var producer = producer("transactional.id", id);
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(topic, "w0")).get();
        hold(admin.fenceProducers(List.of(id)).epochId(id).get() > 0, "an epoch above the first");
        refused(ProducerFencedException.class, producer::commitTransaction);
        producer.close(TICK);
        equal(values(topic, "read_committed"), List.of());
    }

    private static void timeout() throws Exception {
        String topic = topic(1), id = fresh("txn");
        var producer = producer("transactional.id", id, "transaction.timeout.ms", 1000);
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(topic, "w0")).get();
        until(() -> admin.describeTransactions(List.of(id)).all().get().get(id).state() == TransactionState.COMPLETE_ABORT, "it is aborted");
        Exception found = refused(Exception.class, producer::commitTransaction);
        hold(found instanceof ProducerFencedException || found instanceof InvalidProducerEpochException || found instanceof org.apache.kafka.common.KafkaException, found);
        producer.close(TICK);
        equal(values(topic, "read_committed"), List.of());
    }
}
