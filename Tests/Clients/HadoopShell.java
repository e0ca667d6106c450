// Hadoop's own FsShell in a loop, so that a hundred commands take one start of Java. Reads a command a line, its arguments separated by tabs, runs it,
// and ends its output with a line "EXIT code". Commands that FsShell lacks begin with ':' and use the Java client that is under it.
// Usage: java -cp JARS HadoopShell.java HOST:PORT [name=value ...]
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.DistributedFileSystem;

public class HadoopShell {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration(false);
        configuration.addResource("core-default.xml");
        configuration.addResource("hdfs-default.xml");
        configuration.set("fs.defaultFS", arguments[0].contains("://") ? arguments[0] : "hdfs://" + arguments[0]);
        configuration.set("fs.hdfs.impl.disable.cache", "true");
        for (String pair : Arrays.copyOfRange(arguments, 1, arguments.length)) {
            configuration.set(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        System.setErr(System.out);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t", -1);
            int code;
            try {
                if (words[0].startsWith(":")) {
                    code = own(configuration, words);
                } else {
                    FsShell shell = new FsShell(configuration);
                    code = shell.run(words);
                    shell.close();
                }
            } catch (Exception error) {
                System.out.println(error);
                code = 99;
            }
            System.out.println("\nEXIT " + code);
            System.out.flush();
        }
    }

    private static String read(FileSystem files, Path path, int most) throws Exception {
        try (FSDataInputStream in = files.open(path)) {
            byte[] bytes = new byte[most];
            int count = 0;
            while (count < most) {
                int more = in.read(bytes, count, most - count);
                if (more < 0) break;
                count += more;
            }
            return new String(bytes, 0, count, "UTF-8");
        }
    }

    private static int own(Configuration configuration, String[] words) throws Exception {
        if (words[0].equals(":set")) {
            configuration.set(words[1], words[2]);
            return 0;
        }
        FileSystem files = FileSystem.newInstance(configuration);
        Path path = new Path(words[1]);
        switch (words[0]) {
        case ":hflush": case ":hsync": {
            // What is flushed is there for others before the file is closed.
            FSDataOutputStream out = files.create(path, true);
            out.write("flushed".getBytes("UTF-8"));
            if (words[0].equals(":hflush")) out.hflush(); else out.hsync();
            String seen = read(files, path, 100);
            out.write(" and more".getBytes("UTF-8"));
            out.close();
            System.out.println(seen + "|" + read(files, path, 100));
            return 0;
        }
        case ":orphan": {
            // A writer that goes without a word; another one takes the file over.
            FSDataOutputStream out = files.create(path, true);
            out.write("kept".getBytes("UTF-8"));
            out.hsync();
            DistributedFileSystem other = (DistributedFileSystem) FileSystem.newInstance(configuration);
            for (int tries = 0; !other.recoverLease(path) && tries < 300; tries++) Thread.sleep(100);
            System.out.println(other.isFileClosed(path) + " " + read(other, path, 100));
            try {
                out.write("lost".getBytes("UTF-8"));
                out.close();
                System.out.println("the old writer went on");
            } catch (Exception error) {
                System.out.println("refused");
            }
            FSDataOutputStream more = other.append(path);
            more.write(" and appended".getBytes("UTF-8"));
            more.close();
            System.out.println(read(other, path, 100));
            return 0;
        }
        case ":seek": {
            try (FSDataInputStream in = files.open(path)) {
                in.seek(Long.parseLong(words[2]));
                byte[] bytes = new byte[Integer.parseInt(words[3])];
                in.readFully(bytes);
                System.out.println(new String(bytes, "UTF-8"));
            }
            return 0;
        }
        case ":concat": {
            Path[] parts = new Path[words.length - 2];
            for (int i = 2; i < words.length; i++) parts[i - 2] = new Path(words[i]);
            files.concat(path, parts);
            return 0;
        }
        case ":times":
            files.setTimes(path, Long.parseLong(words[2]), Long.parseLong(words[3]));
            System.out.println(files.getFileStatus(path).getModificationTime() + " " + files.getFileStatus(path).getAccessTime());
            return 0;
        case ":rename":
            System.out.println(files.rename(path, new Path(words[2])));
            return 0;
        case ":quota":
            ((DistributedFileSystem) files).setQuota(path, Long.parseLong(words[2]), Long.parseLong(words[3]));
            return 0;
        case ":snapshots":
            for (var found : ((DistributedFileSystem) files).getSnapshottableDirListing()) {
                System.out.println(found.getFullPath() + " " + found.getSnapshotNumber());
            }
            for (var found : ((DistributedFileSystem) files).getSnapshotListing(path)) {
                System.out.println(found.getFullPath() + " " + found.getDirStatus().getOwner());
            }
            return 0;
        case ":differences":
            System.out.println(((DistributedFileSystem) files).getSnapshotDiffReport(path, words[2], words.length > 3 ? words[3] : ""));
            return 0;
        case ":safemode":
            System.out.println(((DistributedFileSystem) files).setSafeMode(org.apache.hadoop.fs.SafeModeAction.valueOf(words[2])));
            return 0;
        case ":datanodes":
            System.out.println(((DistributedFileSystem) files).getDataNodeStats().length);
            return 0;
        default:
            System.out.println("no such command");
            return 98;
        }
    }
}
