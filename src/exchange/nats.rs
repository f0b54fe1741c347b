//! Blobs through NATS JetStream: durable, acknowledged, de-duplicated by message id.
//!
//! | subject | stream | who publishes |
//! |---|---|---|
//! | `foreshadow.FEDERATION.sensor.NAME` | `foreshadow-FEDERATION` | that sensor alone, if its credentials say so |
//! | `foreshadow.FEDERATION.view` | `foreshadow-FEDERATION-view`, the last one only | the aggregator |
//!
//! The aggregator makes the streams, so a sensor's credentials need no more than its own subject, its
//! inbox, and reading the last view. Plain streams, no key-value buckets: Debian's server 2.9 will do.
//!
//! Calls wait for their answer, on a runtime of their own; nothing here runs beside the packets.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Stream};
use async_nats::jetstream::{self, Context};
use futures_util::StreamExt;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::bloom::federate::Contribution;

/// An answer that takes longer is taken for a server that is gone.
const ANSWER: Duration = Duration::from_secs(5);
/// A blob sent again within this is the same message.
const SAME: Duration = Duration::from_secs(3_600);
/// Blobs older than this are of no more use to anybody.
const AGE: Duration = Duration::from_secs(86_400);
const BYTES: i64 = 1 << 30;
/// The name of the aggregator's place in the stream.
const DURABLE: &str = "aggregator";

/// Where the servers are, and who we are to them.
#[derive(Clone, Debug)]
pub struct Options {
    /// Addresses of servers, separated by commas.
    pub url: String,
    /// The federation's name among others on the same servers.
    pub federation: String,
    /// A credentials file, as `nsc` writes it.
    pub credentials: Option<PathBuf>,
    /// Certificates of an authority to trust beside the system's.
    pub authority: Option<PathBuf>,
    /// Whether a connection without TLS is refused.
    pub tls: bool,
    /// On how many servers each blob is kept.
    pub replicas: usize,
}

/// What the servers, or the way to them, did not do.
#[derive(Debug)]
pub struct NatsError(String);

impl fmt::Display for NatsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NatsError {}

fn failed(what: &'static str) -> impl Fn(&dyn fmt::Display) -> NatsError {
    move |error| NatsError(format!("{what}: {error}"))
}

macro_rules! answer {
    ($what:literal, $future:expr) => {
        match timeout(ANSWER, $future).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failed($what)(&error)),
            Err(_) => Err(failed($what)(&"no answer")),
        }
    };
}

/// A connection to the servers; lost, it is made again by itself.
pub struct Link {
    runtime: Runtime,
    context: Context,
    options: Options,
}

/// A blob that came.
pub struct Message {
    /// The sensor whose subject it was sent to.
    pub sender: String,
    /// The blob.
    pub blob: Vec<u8>,
    inner: jetstream::Message,
}

/// The aggregator's place in the stream.
pub struct Ear(PullConsumer);

impl Link {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When the files or addresses given are unusable, or no server answers.
    pub fn connect(options: Options) -> Result<Self, NatsError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed("runtime")(&error))?;
        let context = runtime.block_on(async {
            let mut connect = async_nats::ConnectOptions::new()
                .name("foreshadow")
                .require_tls(options.tls)
                .max_reconnects(None)
                .reconnect_delay_callback(|_| Duration::from_millis(200));
            if let Some(file) = &options.credentials {
                connect = connect
                    .credentials_file(file)
                    .await
                    .map_err(|error| NatsError(format!("{}: {error}", file.display())))?;
            }
            if let Some(file) = &options.authority {
                connect = connect.add_root_certificates(file.clone());
            }
            let servers: Vec<String> = options.url.split(',').map(str::to_owned).collect();
            // Made in here, for it starts a task of its own.
            answer!("connecting", connect.connect(servers)).map(jetstream::new)
        })?;
        Ok(Self { runtime, context, options })
    }

    /// Sends a sensor's blob; it is on the servers' disks when this answers.
    ///
    /// # Errors
    ///
    /// When nobody acknowledged it: to be sent again.
    pub fn send(&self, sensor: &str, blob: &[u8]) -> Result<(), NatsError> {
        let subject = format!("foreshadow.{}.sensor.{sensor}", self.options.federation);
        self.publish(subject, blob)
    }

    /// Sends the network's view.
    ///
    /// # Errors
    ///
    /// When nobody acknowledged it.
    pub fn send_view(&self, view: &[u8]) -> Result<(), NatsError> {
        self.publish(self.view_subject(), view)
    }

    fn view_subject(&self) -> String {
        format!("foreshadow.{}.view", self.options.federation)
    }

    fn publish(&self, subject: String, blob: &[u8]) -> Result<(), NatsError> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", Contribution::message_id(blob));
        let payload = blob.to_vec().into();
        self.runtime.block_on(async {
            let sent = self.context.publish_with_headers(subject, headers, payload);
            let acknowledged = answer!("sending", sent)?;
            answer!("sending", async { acknowledged.await })?;
            Ok(())
        })
    }

    /// The last view; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// When nobody answers.
    pub fn view(&self) -> Result<Option<Vec<u8>>, NatsError> {
        let name = format!("foreshadow-{}-view", self.options.federation);
        self.runtime.block_on(async {
            let stream = answer!("the view's stream", self.context.get_stream_no_info(name))?;
            match timeout(ANSWER, stream.get_last_raw_message_by_subject(&self.view_subject()))
                .await
            {
                Ok(Ok(message)) => Ok(Some(message.payload.to_vec())),
                // No stream yet, or nothing in it.
                Ok(Err(_)) => Ok(None),
                Err(_) => Err(failed("the view")(&"no answer")),
            }
        })
    }

    /// Makes the streams where they are missing, and begins to hear them from their beginning: what was
    /// merged by an aggregator that is gone comes again, and merging it again changes nothing.
    ///
    /// # Errors
    ///
    /// When the servers can't, for example because fewer are up than blobs are to be kept on.
    pub fn hear(&self) -> Result<Ear, NatsError> {
        let federation = &self.options.federation;
        let stream = Config {
            name: format!("foreshadow-{federation}"),
            subjects: vec![format!("foreshadow.{federation}.sensor.*")],
            num_replicas: self.options.replicas,
            duplicate_window: SAME,
            max_age: AGE,
            max_bytes: BYTES,
            discard: DiscardPolicy::Old,
            ..Config::default()
        };
        let view = Config {
            name: format!("foreshadow-{federation}-view"),
            subjects: vec![self.view_subject()],
            num_replicas: self.options.replicas,
            max_messages_per_subject: 1,
            duplicate_window: Duration::from_secs(1),
            ..Config::default()
        };
        self.runtime.block_on(async {
            answer!("making the view's stream", self.context.get_or_create_stream(view))?;
            let stream: Stream =
                answer!("making the stream", self.context.get_or_create_stream(stream))?;
            // Another aggregator's place; there is none at the first start.
            let _ = timeout(ANSWER, stream.delete_consumer(DURABLE)).await;
            let consumer = pull::Config {
                durable_name: Some(DURABLE.to_owned()),
                ack_policy: AckPolicy::Explicit,
                deliver_policy: DeliverPolicy::All,
                ack_wait: Duration::from_secs(30),
                ..pull::Config::default()
            };
            answer!("making the consumer", stream.create_consumer(consumer)).map(Ear)
        })
    }

    /// The next blobs, none where none came for a second.
    ///
    /// # Errors
    ///
    /// When nobody answers; asking again goes on where it stopped.
    pub fn next(&self, ear: &Ear) -> Result<Vec<Message>, NatsError> {
        let prefix = format!("foreshadow.{}.sensor.", self.options.federation);
        self.runtime.block_on(async {
            let fetch = ear.0.fetch().max_messages(64).expires(Duration::from_secs(1));
            let mut batch = answer!("hearing", fetch.messages())?;
            let mut messages = Vec::new();
            while let Some(message) =
                answer!("hearing", async { Ok::<_, NatsError>(batch.next().await) })?
            {
                let inner = message.map_err(|error| failed("hearing")(&error))?;
                let sender = inner.subject.strip_prefix(&prefix).unwrap_or_default().to_owned();
                messages.push(Message { sender, blob: inner.payload.to_vec(), inner });
            }
            Ok(messages)
        })
    }

    /// Says that a blob was taken, or refused for good.
    ///
    /// # Errors
    ///
    /// When the servers did not hear it: the blob comes again.
    pub fn acknowledge(&self, message: &Message) -> Result<(), NatsError> {
        self.runtime.block_on(async { answer!("acknowledging", message.inner.ack()) })
    }

    /// How many blobs are still to come, those on the way included.
    ///
    /// # Errors
    ///
    /// When nobody answers.
    pub fn left(&self, ear: &mut Ear) -> Result<u64, NatsError> {
        self.runtime.block_on(async {
            let info = answer!("asking what is left", ear.0.info())?;
            Ok(info.num_pending + info.num_ack_pending as u64)
        })
    }

    /// Waits, while the connection is looked after.
    pub fn wait(&self, time: Duration) {
        // A timer is made where the runtime is.
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }
}
