//! Real Redis servers on free ports, each with a folder of its own, gone when dropped.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub struct RedisServer {
    pub port: u16,
    folder: TempDir,
    arguments: Vec<String>,
    process: Child,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(arguments: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let arguments: Vec<String> =
            arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let process = spawn(port, &folder, &arguments);
        let server = Self { port, folder, arguments, process };
        server.wait_until_ready();
        server
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What redis-cli prints.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(arguments)
            .output()
            .expect("redis-cli is installed by make");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// All keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.cli(&["--scan"]).lines().map(str::to_owned).collect();
        keys.sort();
        keys
    }

    /// Stops it as a crash would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again after [`kill`](Self::kill), with what it had saved.
    pub fn revive(&mut self) {
        self.process = spawn(self.port, &self.folder, &self.arguments);
        self.wait_until_ready();
    }

    /// Stops answering without closing anything, until [`thaw`](Self::thaw).
    pub fn freeze(&self) {
        signal(self.process.id(), "STOP");
    }

    pub fn thaw(&self) {
        signal(self.process.id(), "CONT");
    }

    fn wait_until_ready(&self) {
        wait_for("redis-server", || {
            let answer = self.cli(&["PING"]);
            answer == "PONG" || answer.starts_with("NOAUTH")
        });
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Three nodes that share the slots.
pub struct RedisCluster {
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts with more arguments.
    pub fn start_with(more: &[&str]) -> Self {
        let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
        let arguments = [&arguments, more].concat();
        let nodes: Vec<_> = (0..3).map(|_| RedisServer::start_with(&arguments)).collect();
        let addresses: Vec<_> =
            nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let output = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(&addresses)
            .arg("--cluster-yes")
            .output()
            .expect("redis-cli is installed by make");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        for node in &nodes {
            wait_for("the cluster", || node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
        }
        Self { nodes }
    }

    pub fn url(&self) -> String {
        self.nodes.iter().map(RedisServer::url).collect::<Vec<_>>().join(",")
    }

    /// The node that has the keys of a tag.
    pub fn shard_with(&self, tag: &str) -> usize {
        // Another node says where to go.
        let has_it = |node: &RedisServer| !node.cli(&["GET", tag]).contains("MOVED");
        self.nodes.iter().position(has_it).unwrap()
    }

    /// A node that has not.
    pub fn shard_without(&self, tag: &str) -> usize {
        (self.shard_with(tag) + 1) % self.nodes.len()
    }
}

pub fn signal(process: u32, name: &str) {
    let sent =
        Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(sent.success(), "kill -{name} {process}");
}

/// A port nobody has now; below 50,000, because a cluster's nodes use the one 10,000 above as well.
pub fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = 20_000 + port % 25_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok()
            && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok()
        {
            return port;
        }
    }
}

fn spawn(port: u16, folder: &TempDir, arguments: &[String]) -> Child {
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
        .arg(folder.path())
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed by make");
    wait_for("a listening redis-server", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    child
}

fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} does not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
}
