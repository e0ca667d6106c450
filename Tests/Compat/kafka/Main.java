// Kafka's Java client against whatever brokers are named: `java -cp JARS:CLASSES Main SERVERS REPLICAS [SECURED AUTHORITY | faults]`. SECURED is the address of a broker
// with TLS and logins, AUTHORITY the PEM file it is trusted by. With several replicas leaders are killed as well, with `faults` nothing else is done.
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.utils.AppInfoParser;

class Main {
    public static void main(String[] arguments) throws Exception {
        Check.servers = arguments[0];
        Check.replicas = Short.parseShort(arguments[1]);
        Check.admin = Admin.create(Map.of("bootstrap.servers", Check.servers, "request.timeout.ms", 10_000, "default.api.timeout.ms", 20_000));
        System.out.println("VERSION " + AppInfoParser.getVersion());
        if (arguments.length != 3) everything();
        if (arguments.length > 3) Security.all(arguments[2], arguments[3]);
        if (Check.replicas > 1) Faults.all();
        System.out.println("END");
        System.exit(0);
    }

    private static void everything() throws ReflectiveOperationException {
        Producing.all();
        Consuming.all();
        Transactions.all();
        Administration.all();
        // What a client of 3.x has no words for is compiled only with a newer one.
        try {
            Class.forName("Since4").getDeclaredMethod("all").invoke(null);
        } catch (ClassNotFoundException older) {
            System.out.println("WITHOUT since-4");
        }
    }
}
