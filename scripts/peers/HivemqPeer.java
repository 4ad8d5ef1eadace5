import com.hivemq.embedded.EmbeddedHiveMQ;
import java.nio.file.Path;

/**
 * Starts HiveMQ CE as Maven has it: embedded, it lets everybody in; its own main class lets nobody in
 * without an extension that Maven lacks. The argument is its folder.
 */
class HivemqPeer {
  public static void main(String[] folders) {
    Path folder = Path.of(folders[0]);
    EmbeddedHiveMQ.builder()
        .withConfigurationFolder(folder.resolve("conf"))
        .withDataFolder(folder.resolve("data"))
        .withExtensionsFolder(folder.resolve("extensions"))
        .build()
        .start()
        .join();
  }
}
