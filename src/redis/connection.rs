//! The connection to Redis: one multiplexed connection for ordinary commands, more for whoever has
//! to block, and a supervisor that notices within seconds when Redis is gone, frozen or refuses
//! writes, and when it is back.
//!
//! A [`RedisConnection`] is itself a connection: while Redis is gone its commands fail at once, so that callers
//! can do without instead of waiting for a timeout each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, Pipeline,
    RedisError, RedisFuture, RedisResult, ServerErrorKind, Value,
};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{Key, Keys};

/// How often the supervisor asks Redis how it is.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// A probe that takes longer means that Redis is frozen or out of reach.
const PROBE_LIMIT: Duration = Duration::from_secs(1);
/// Between attempts to connect again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(300);
/// A connection must be made within this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// An ordinary command must be answered within this time. redis-rs would give up after 500 ms,
/// which a busy server may need for a big answer.
const RESPONSE_LIMIT: Duration = Duration::from_secs(3);
/// Times a command is sent again because a shard moved or does not answer, and the longest pause between.
const CLUSTER_RETRIES: u32 = 2;
const CLUSTER_RETRY_PAUSE_MS: u64 = 200;
/// How long a probe is remembered.
const PROBE_EXPIRY_SECONDS: u64 = 10;

/// Where Redis is and how it is used.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://` or `rediss://` with user, password and database as needed; several nodes of a
    /// cluster with commas between them.
    pub url: String,
    /// What all keys begin with.
    pub prefix: String,
    /// Commands in flight at once on the multiplexed connection.
    pub concurrency: usize,
}

/// How Redis is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisHealth {
    /// It reads and writes.
    Up,
    /// It answers and refuses writes, for this reason: full, read-only, or its disk fails.
    Refusing(String),
    /// It does not answer, for this reason.
    Down(String),
}

/// A connection of either kind.
#[derive(Clone)]
pub enum Connection {
    /// To a single server.
    Single(MultiplexedConnection),
    /// To a cluster.
    Cluster(ClusterConnection),
}

/// The shared connection to Redis. Cheap to clone; a clone is the same connection.
#[derive(Clone)]
pub struct RedisConnection {
    shared: Arc<Shared>,
}

struct Shared {
    nodes: Vec<ConnectionInfo>,
    keys: Keys,
    /// The same for a cluster.
    cluster_keys: Keys,
    process: String,
    permits: Semaphore,
    /// A std lock: held to clone a handle, never across an await.
    connection: RwLock<Option<Connection>>,
    health: watch::Sender<RedisHealth>,
    /// Whether it was a cluster when last seen: it stays one while it is gone.
    is_cluster: AtomicBool,
    /// When the connection was last made, and how many have been made.
    made: RwLock<(Instant, u64)>,
    /// A command failed: the supervisor looks at once.
    suspicion: Notify,
}

impl RedisConnection {
    /// Connects, or goes on trying until `shutdown`. An error means that the address is wrong; a
    /// Redis that does not answer is no error.
    pub async fn open(config: &RedisConfig, shutdown: CancellationToken) -> RedisResult<Self> {
        // TLS needs a provider of cryptography; another part of the program may have set one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let nodes = config
            .url
            .split(',')
            .map(|url| {
                let settings = TcpSettings::default().set_nodelay(true);
                Ok(url.trim().into_connection_info()?.set_tcp_settings(settings))
            })
            .collect::<RedisResult<Vec<_>>>()?;
        let link = Self {
            shared: Arc::new(Shared {
                nodes,
                keys: Keys::new(&config.prefix),
                cluster_keys: Keys::for_cluster(&config.prefix),
                process: process_name(),
                permits: Semaphore::new(config.concurrency.max(1)),
                connection: RwLock::new(None),
                is_cluster: AtomicBool::new(false),
                health: watch::Sender::new(RedisHealth::Down("not connected yet".to_owned())),
                made: RwLock::new((Instant::now(), 0)),
                suspicion: Notify::new(),
            }),
        };
        link.reconnect().await;
        if !link.is_up() {
            // Others may have been cut off as well: what comes first is a return.
            link.shared.made.write().unwrap_or_else(PoisonError::into_inner).1 = 1;
        }
        tokio::spawn({
            let link = link.clone();
            async move {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = link.supervise() => {}
                }
            }
        });
        Ok(link)
    }

    /// The keys under this connection's prefix.
    pub fn keys(&self) -> &Keys {
        if self.is_cluster() { &self.shared.cluster_keys } else { &self.shared.keys }
    }

    /// Names this process among all that share Redis.
    pub fn process(&self) -> &str {
        &self.shared.process
    }

    /// A key as Redis has it.
    pub fn name(&self, key: &Key) -> String {
        self.keys().name(key)
    }

    /// How Redis is now.
    pub fn health(&self) -> RedisHealth {
        self.shared.health.borrow().clone()
    }

    /// Whether commands have a chance.
    pub fn is_up(&self) -> bool {
        !matches!(*self.shared.health.borrow(), RedisHealth::Down(_))
    }

    /// How long the connection has stood; zero while there is none.
    pub fn uptime(&self) -> Duration {
        if self.is_up() { self.made().0.elapsed() } else { Duration::ZERO }
    }

    /// Whether the connection has never been lost since it was made first.
    pub fn is_first(&self) -> bool {
        self.made().1 <= 1
    }

    fn made(&self) -> (Instant, u64) {
        *self.shared.made.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether Redis is a cluster, where a script reaches the keys of one slot.
    pub fn is_cluster(&self) -> bool {
        self.shared.is_cluster.load(Ordering::Relaxed)
    }

    /// Sends commands together and returns each one's own result.
    pub async fn batch(&self, commands: Vec<Cmd>) -> RedisResult<Vec<RedisResult<Value>>> {
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command);
        }
        self.send(&pipeline).await
    }

    /// Sends the commands of a pipeline together and returns each one's own result.
    pub async fn send(&self, pipeline: &Pipeline) -> RedisResult<Vec<RedisResult<Value>>> {
        if self.is_cluster() {
            let answers = pipeline.cmd_iter().map(|command| {
                let mut link = self.clone();
                async move { link.req_packed_command(command).await?.extract_error() }
            });
            return Ok(futures::future::join_all(answers).await);
        }
        let answers = self.clone().req_packed_commands(pipeline, 0, pipeline.len()).await?;
        Ok(answers.into_iter().map(Value::extract_error).collect())
    }

    /// A connection of its own, for commands that block; it has no limit of time.
    pub async fn dedicated(&self) -> RedisResult<Connection> {
        self.connect(None).await
    }

    /// A connection of its own, subscribed to the announcements.
    pub async fn subscribe(&self) -> RedisResult<PubSub> {
        let mut failure = None;
        for node in &self.shared.nodes {
            let client = Client::open(node.clone())?;
            let attempt = tokio::time::timeout(CONNECT_LIMIT, client.get_async_pubsub()).await;
            match attempt.unwrap_or_else(|_| Err(too_late())) {
                Ok(mut subscription) => {
                    let channel = self.keys().announcements();
                    let subscribed =
                        tokio::time::timeout(CONNECT_LIMIT, subscription.subscribe(channel)).await;
                    subscribed.unwrap_or_else(|_| Err(too_late()))?;
                    return Ok(subscription);
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(too_late))
    }

    /// How many times the connection has been made.
    pub fn generation(&self) -> u64 {
        self.made().1
    }

    /// Returns when a connection later than `generation` stands.
    pub async fn restored_since(&self, generation: u64) {
        let mut health = self.shared.health.subscribe();
        let is_new = |health: &RedisHealth| {
            !matches!(health, RedisHealth::Down(_)) && self.generation() > generation
        };
        // The sender lives as long as this link.
        let _ = health.wait_for(is_new).await;
    }

    /// Returns when the connection is lost.
    async fn lost(&self) -> RedisError {
        let mut health = self.shared.health.subscribe();
        match health.wait_for(|health| matches!(health, RedisHealth::Down(_))).await.as_deref() {
            Ok(RedisHealth::Down(reason)) => gone(reason.clone()),
            _ => too_late(),
        }
    }

    fn current(&self) -> Option<Connection> {
        self.shared.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn supervise(&self) {
        loop {
            let pause = if self.is_up() { PROBE_INTERVAL } else { RECONNECT_PAUSE };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.shared.suspicion.notified() => {}
            }
            match self.current() {
                Some(connection) => self.probe(connection).await,
                None => self.reconnect().await,
            }
        }
    }

    async fn reconnect(&self) {
        match self.connect(Some(RESPONSE_LIMIT)).await {
            Ok(connection) => {
                let is_cluster = matches!(connection, Connection::Cluster(_));
                self.shared.is_cluster.store(is_cluster, Ordering::Relaxed);
                *self.shared.connection.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(connection.clone());
                {
                    let mut made = self.shared.made.write().unwrap_or_else(PoisonError::into_inner);
                    *made = (Instant::now(), made.1 + 1);
                }
                self.probe(connection).await;
            }
            Err(error) => self.publish(RedisHealth::Down(error.to_string())),
        }
    }

    /// One small write: whether it is answered, and whether it is allowed.
    async fn probe(&self, mut connection: Connection) {
        let mut write = redis::cmd("SET");
        write.arg(self.name(&Key::Probe)).arg(1).arg("EX").arg(PROBE_EXPIRY_SECONDS);
        let answer = tokio::time::timeout(PROBE_LIMIT, connection.req_packed_command(&write)).await;
        match answer.unwrap_or_else(|_| Err(too_late())).and_then(Value::extract_error) {
            Ok(_) => self.publish(RedisHealth::Up),
            // It has its data back when it says so, and not before.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading) => {
                self.publish(RedisHealth::Down(error.to_string()));
            }
            Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => {
                self.publish(RedisHealth::Refusing(error.to_string()));
            }
            Err(error) => {
                *self.shared.connection.write().unwrap_or_else(PoisonError::into_inner) = None;
                self.publish(RedisHealth::Down(error.to_string()));
            }
        }
    }

    fn publish(&self, health: RedisHealth) {
        self.shared.health.send_if_modified(|known| {
            // The same trouble in other words is no news.
            let is_news = std::mem::discriminant(known) != std::mem::discriminant(&health);
            if is_news {
                if matches!(known, RedisHealth::Down(_)) {
                    let mut made = self.shared.made.write().unwrap_or_else(PoisonError::into_inner);
                    made.0 = Instant::now();
                }
                match &health {
                    RedisHealth::Up => tracing::info!("Redis is there"),
                    RedisHealth::Refusing(reason) => {
                        tracing::warn!("Redis refuses writes: {reason}")
                    }
                    RedisHealth::Down(reason) => tracing::warn!("Redis is gone: {reason}"),
                }
            }
            *known = health;
            is_news
        });
    }

    /// Connects to the first node that answers, as it wants to be connected to.
    async fn connect(&self, response_limit: Option<Duration>) -> RedisResult<Connection> {
        let mut failure = None;
        for node in &self.shared.nodes {
            let attempt =
                tokio::time::timeout(CONNECT_LIMIT, self.connect_to(node, response_limit));
            match attempt.await.unwrap_or_else(|_| Err(too_late())) {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(too_late))
    }

    async fn connect_to(
        &self,
        node: &ConnectionInfo,
        response_limit: Option<Duration>,
    ) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_LIMIT))
            .set_response_timeout(response_limit);
        let client = Client::open(node.clone())?;
        let mut single = client.get_multiplexed_async_connection_with_config(&config).await?;
        let about: String = redis::cmd("INFO").arg("cluster").query_async(&mut single).await?;
        if !about.contains("cluster_enabled:1") {
            return Ok(Connection::Single(single));
        }
        let mut builder = ClusterClient::builder(self.shared.nodes.clone())
            .connection_timeout(CONNECT_LIMIT)
            // A shard that is gone must not hold up what is on the others.
            .retries(CLUSTER_RETRIES)
            .max_retry_wait(CLUSTER_RETRY_PAUSE_MS)
            .tcp_settings(TcpSettings::default().set_nodelay(true));
        // A day stands for no limit: the builder knows no other word for it.
        builder = builder.response_timeout(response_limit.unwrap_or(Duration::from_secs(86_400)));
        Ok(Connection::Cluster(builder.build()?.get_async_connection().await?))
    }

    /// Runs one exchange on the shared connection, with a permit; failing at once when there is no
    /// connection, and waking the supervisor when it fails on the way.
    async fn checkout(&self) -> RedisResult<(Connection, tokio::sync::SemaphorePermit<'_>)> {
        // The semaphore is never closed.
        let permit = self.shared.permits.acquire().await.map_err(|e| gone(e.to_string()))?;
        match self.current() {
            Some(connection) => Ok((connection, permit)),
            None => match self.health() {
                RedisHealth::Down(reason) => Err(gone(reason)),
                _ => Err(gone("reconnecting".to_owned())),
            },
        }
    }

    fn watch_for_trouble<T>(&self, answer: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &answer
            && !matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
        {
            self.shared.suspicion.notify_one();
        }
        answer
    }
}

/// The process id for operators, and what makes it unique among hosts and restarts.
fn process_name() -> String {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    format!("{}-{}", std::process::id(), &unique[..12])
}

fn gone(reason: String) -> RedisError {
    RedisError::from((ErrorKind::Io, "Redis is gone", reason))
}

fn too_late() -> RedisError {
    RedisError::from((ErrorKind::Io, "Redis does not answer in time"))
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl ConnectionLike for RedisConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let (mut connection, _permit) = self.checkout().await?;
            tokio::select! {
                answer = connection.req_packed_command(cmd) => self.watch_for_trouble(answer),
                error = self.lost() => Err(error),
            }
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let (mut connection, _permit) = self.checkout().await?;
            tokio::select! {
                answers = connection.req_packed_commands(pipeline, offset, count) => {
                    self.watch_for_trouble(answers)
                }
                error = self.lost() => Err(error),
            }
        })
    }

    fn get_db(&self) -> i64 {
        self.current().map_or(0, |connection| connection.get_db())
    }
}
