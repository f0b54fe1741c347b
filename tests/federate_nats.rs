//! Three sensors and an aggregator through a cluster of three NATS servers on loopback, of which one is
//! killed, and a sensor too. Skipped, and loudly, where there is no nats-server.
#![cfg(feature = "nats")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/federation.rs"]
mod federation;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use federation::{Running, SENSORS, Site, last_line, network, success};

/// A cluster that ends with the test.
struct Cluster {
    nodes: Vec<Running>,
    url: String,
}

impl Cluster {
    fn start(site: &Site) -> Option<Self> {
        let there = Command::new("nats-server").arg("--version").output();
        if !there.is_ok_and(|output| output.status.success()) {
            eprintln!(
                "SKIPPED: no nats-server here; .ci/packages test installs it. Nothing was tested."
            );
            return None;
        }
        let ports = free_ports(6);
        let routes: Vec<String> =
            ports[3..].iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let nodes = (0..3).map(|node| {
            let store = site.path(&format!("node-{node}"));
            let config = format!(
                "server_name: n{node}\nlisten: 127.0.0.1:{}\njetstream {{ store_dir: \"{}\" }}\n\
                 cluster {{ name: test, listen: 127.0.0.1:{}, routes: [{}] }}\n",
                ports[node],
                store.display(),
                ports[node + 3],
                routes.join(", ")
            );
            let path = site.path(&format!("node-{node}.conf"));
            fs::write(&path, config).unwrap();
            let log = fs::File::create(site.path(&format!("node-{node}.log"))).unwrap();
            Running::start(
                Command::new("nats-server").arg("-c").arg(path).stdout(Stdio::null()).stderr(log),
            )
        });
        let nodes = nodes.collect();
        let urls: Vec<String> =
            ports[..3].iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        Some(Self { nodes, url: urls.join(",") })
    }
}

/// Ports that nobody listens on just now.
fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|socket| socket.local_addr().unwrap().port()).collect()
}

fn federate(site: &Site, cluster: &Cluster, role: &str) -> Command {
    let mut command = site.foreshadow("federate");
    command.args(["--role", role, "--nats", &cluster.url]);
    command
}

fn carry(site: &Site, cluster: &Cluster, name: &str) -> Command {
    let mut command = federate(site, cluster, "sensor");
    command.arg("--dir").arg(site.path("spools").join(name));
    command
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what} did not come");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn nothing_is_lost_and_nothing_counted_twice_when_a_server_and_a_sensor_are_killed() {
    let site = Site::new();
    let Some(mut cluster) = Cluster::start(&site) else { return };
    let capture = |name: &str| site.path(&format!("{name}.pcap"));

    // What it should come to: the same sensors, nobody killed, over folders.
    for name in SENSORS {
        success(&mut site.sensor(name, "reference", &capture(name), &format!("reference-{name}")));
    }
    let blobs = site.waiting("reference");
    let expected = site.merge("reference");
    assert!(expected.contains("\"sensors\":3,\"since\""), "{expected}");

    // An aggregator listens all the while; it makes the streams as soon as the cluster can.
    let heard = site.path("heard.json");
    let mut listening = federate(&site, &cluster, "aggregator");
    listening.args(["--replicas", "3", "--clock", "capture", "--quiet"]);
    listening.stdout(fs::File::create(&heard).unwrap());
    let mut listening = Running::start(&mut listening);

    // The first sensor, undisturbed.
    success(&mut site.sensor("north", "spools", &capture("north"), "north"));
    success(carry(&site, &cluster, "north").arg("--once"));

    // The second is killed in the middle of its capture, what carries for it too, and a server with them.
    let bytes = fs::read(capture("south")).unwrap();
    let mut run = site.sensor("south", "spools", std::path::Path::new("-"), "south-killed");
    let mut run = Running::start(run.stdin(Stdio::piped()));
    let mut carrier = Running::start(&mut carry(&site, &cluster, "south"));
    run.0.stdin.as_mut().unwrap().write_all(&bytes[..bytes.len() / 2]).unwrap();
    run.0.stdin.as_mut().unwrap().flush().unwrap();
    wait_for("a view from the network", || site.path("spools/south/view").exists());
    run.kill();
    cluster.nodes[0].kill();
    carrier.kill();

    // The third goes on with the two servers that are left.
    success(&mut site.sensor("west", "spools", &capture("west"), "west"));
    success(carry(&site, &cluster, "west").arg("--once"));

    // The second is started anew, and reads its capture from the beginning.
    success(&mut site.sensor("south", "spools", &capture("south"), "south"));
    success(carry(&site, &cluster, "south").arg("--once"));
    assert_eq!(site.waiting("spools"), 0, "everything was acknowledged");

    // The aggregator that listened all the while found the scan too, once the last third came.
    // It hears within a second what waits for it; what it is told to stop by comes after that.
    sleep(Duration::from_secs(5));
    listening.terminate();
    let text = fs::read_to_string(&heard).unwrap();
    assert!(last_line(&text).contains("\"sensors\":3,\"since\""), "{text}");

    // One that is started anew hears everything, each blob once, and comes to the same.
    let mut merge = federate(&site, &cluster, "aggregator");
    let line = last_line(&success(merge.args(["--replicas", "3", "--clock", "capture", "--once"])));
    assert_eq!(network(&line), network(&expected));
    assert!(line.contains(&format!("\"taken\":{blobs},")), "{blobs} blobs, {line}");
    for name in SENSORS {
        assert_eq!(site.targets(&format!("reference-{name}")), [""; 0], "{name} alone");
    }
}
