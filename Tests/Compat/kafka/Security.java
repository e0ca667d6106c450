// TLS and logins, on a broker where everybody must log in and access rules are obeyed; the administrator is `admin` with the password `admin-secret`.
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.StringSerializer;

class Security extends Check {
    private static String address, authority;
    private static Admin first;

    static void all(String secured, String certificate) {
        address = secured;
        authority = certificate;
        first = Admin.create(login("SCRAM-SHA-256", "admin", "admin-secret", ""));
        check("security: TLS with SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN", Security::mechanisms);
        check("security: a wrong password is refused", () -> {
            try (var wrong = Admin.create(login("SCRAM-SHA-256", "admin", "wrong", ""))) { refused(SaslAuthenticationException.class, () -> wrong.listTopics().names().get()); }
        });
        check("security: a certificate of an unknown authority is refused", () -> {
            Map<String, Object> found = login("SCRAM-SHA-256", "admin", "admin-secret", "");
            found.remove("ssl.truststore.location");
            found.remove("ssl.truststore.type");
            try (var stranger = Admin.create(found)) { refused(SslAuthenticationException.class, () -> stranger.listTopics().names().get()); }
        });
        check("security: access rules are obeyed", Security::rules);
        check("security: delegation tokens created, described, used, renewed, ended", Security::tokens);
        first.close();
    }

    private static Map<String, Object> login(String mechanism, String user, String password, String more) {
        String kind = mechanism.equals("PLAIN") ? "plain.Plain" : "scram.Scram";
        return new HashMap<>(Map.of(
            "bootstrap.servers", address, "security.protocol", "SASL_SSL", "sasl.mechanism", mechanism, "ssl.truststore.type", "PEM", "ssl.truststore.location", authority,
            "sasl.jaas.config", "org.apache.kafka.common.security." + kind + "LoginModule required username=\"" + user + "\" password=\"" + password + "\"" + more + ";"));
    }

    private static void user(String name, ScramMechanism mechanism) throws Exception {
        first.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(name, new ScramCredentialInfo(mechanism, 4096), name + "-secret"))).all().get();
    }

    private static void mechanisms() throws Exception {
        user("ann", ScramMechanism.SCRAM_SHA_512);
        try (var ann = Admin.create(login("SCRAM-SHA-512", "ann", "ann-secret", ""))) { ann.listTopics().names().get(); }
        try (var plain = Admin.create(login("PLAIN", "admin", "admin-secret", ""))) { hold(plain.describeCluster().nodes().get().size() == 1, "one broker"); }
        first.listTopics().names().get();
    }

    private static void rules() throws Exception {
        user("bob", ScramMechanism.SCRAM_SHA_256);
        String topic = fresh("topic");
        first.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
        Map<String, Object> bob = login("SCRAM-SHA-256", "bob", "bob-secret", "");
        try (var producer = new KafkaProducer<>(bob, new StringSerializer(), new StringSerializer())) {
            refused(TopicAuthorizationException.class, () -> producer.send(new ProducerRecord<>(topic, "x")).get());
        }
        first.createAcls(List.of(new AclBinding(new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL), new AccessControlEntry("User:bob", "*", AclOperation.WRITE, AclPermissionType.ALLOW)))).all().get();
        try (var producer = new KafkaProducer<>(bob, new StringSerializer(), new StringSerializer())) {
            equal(producer.send(new ProducerRecord<>(topic, "x")).get().offset(), 0L);
        }
    }

    private static void tokens() throws Exception {
        var token = first.createDelegationToken().delegationToken().get();
        String hmac = Base64.getEncoder().encodeToString(token.hmac());
        equal(first.describeDelegationToken().delegationTokens().get().get(0).tokenInfo().tokenId(), token.tokenInfo().tokenId());
        Map<String, Object> by = login("SCRAM-SHA-256", token.tokenInfo().tokenId(), hmac, " tokenauth=\"true\"");
        try (var admin = Admin.create(by)) { hold(admin.describeCluster().nodes().get().size() == 1, "one broker"); }
        hold(first.renewDelegationToken(token.hmac()).expiryTimestamp().get() > System.currentTimeMillis(), "it lasts");
        first.expireDelegationToken(token.hmac()).expiryTimestamp().get();
        try (var admin = Admin.create(by)) { refused(SaslAuthenticationException.class, () -> admin.listTopics().names().get()); }
    }
}
