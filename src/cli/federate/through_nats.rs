//! The two roles over NATS JetStream.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::super::Failure;
use super::super::args::FederateArgs;
use super::super::signals::Stop;
use super::Merging;
use crate::bloom::federate::Terms;
use crate::exchange::nats::{Ear, Link, NatsError, Options};
use crate::exchange::{Spool, SpoolError};

/// Between two tries, and between two looks into the folder.
const PAUSE: Duration = Duration::from_millis(500);
/// Looks into the folder between two looks for a new view.
const VIEW: u32 = 4;

fn broken(error: &SpoolError) -> Failure {
    Failure::Output(error.to_string())
}

fn options(args: &FederateArgs, url: &str) -> Options {
    Options {
        url: url.to_owned(),
        federation: args.federation.clone(),
        credentials: args.credentials.clone(),
        authority: args.tls_ca.clone(),
        tls: args.tls,
        replicas: usize::from(args.replicas),
    }
}

/// Tries until it is done or somebody asks to stop; says what went wrong, once for each reason.
fn insist<T>(
    stop: &Stop,
    pause: impl Fn(Duration),
    mut attempt: impl FnMut() -> Result<T, NatsError>,
) -> Option<T> {
    let mut said = String::new();
    while !stop.asked() {
        match attempt() {
            Ok(value) => return Some(value),
            Err(error) => {
                let error = error.to_string();
                if error != said {
                    eprintln!("foreshadow: {error}; trying again");
                    said = error;
                }
                pause(PAUSE);
            }
        }
    }
    None
}

fn connect(args: &FederateArgs, url: &str, stop: &Stop) -> Option<Link> {
    insist(stop, std::thread::sleep, || Link::connect(options(args, url)))
}

/// Carries blobs from a sensor's folder to the servers, and the view back into it.
pub(super) fn sensor(
    args: &FederateArgs,
    url: &str,
    folder: &Path,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut spool = Spool::open(folder).map_err(|error| broken(&error))?;
    let name = args.name.clone().or_else(|| spool.name().map(str::to_owned)).unwrap_or_default();
    let Some(link) = connect(args, url, stop) else { return Ok(()) };
    let mut looks = 0_u32;
    while !stop.asked() {
        let waiting = spool.waiting().map_err(|error| broken(&error))?;
        for blob in &waiting {
            let Some(bytes) = spool.get(blob).map_err(|error| broken(&error))? else { continue };
            if insist(stop, |time| link.wait(time), || link.send(&name, &bytes)).is_none() {
                return Ok(());
            }
            // Acknowledged: it is on the servers' disks.
            spool.done(blob).map_err(|error| broken(&error))?;
        }
        if looks.is_multiple_of(VIEW)
            && let Ok(Some(view)) = link.view()
        {
            spool.put_view(&view).map_err(|error| broken(&error))?;
        }
        looks = looks.wrapping_add(1);
        if args.once && waiting.is_empty() {
            break;
        }
        if waiting.is_empty() {
            link.wait(PAUSE);
        }
    }
    Ok(())
}

/// Merges what the sensors sent, and sends the view back.
pub(super) fn aggregator(
    args: &FederateArgs,
    terms: Terms,
    url: &str,
    stop: &Stop,
) -> Result<(), Failure> {
    let Some(link) = connect(args, url, stop) else { return Ok(()) };
    let pause = |time| link.wait(time);
    let Some(mut ear) = insist(stop, pause, || link.hear()) else { return Ok(()) };
    let mut merging = Merging::new(args, terms);
    loop {
        let Some(came) = insist(stop, pause, || link.next(&ear)) else { break };
        for message in &came {
            merging.take(&message.blob, Some(&message.sender));
            // Not heard, it comes again, and merging it again changes nothing.
            let _ = link.acknowledge(message);
        }
        publish(&mut merging, &link, false)?;
        if args.once && came.is_empty() && is_all(&link, &mut ear, stop) {
            break;
        }
    }
    publish(&mut merging, &link, true)
}

fn is_all(link: &Link, ear: &mut Ear, stop: &Stop) -> bool {
    insist(stop, |time| link.wait(time), || link.left(ear)).is_none_or(|left| left == 0)
}

fn publish(merging: &mut Merging, link: &Link, end: bool) -> Result<(), Failure> {
    let Some(view) = merging.close(end) else { return Ok(()) };
    merging.say(&mut io::stdout().lock())?;
    if let Err(error) = link.send_view(&view) {
        // The next round brings another.
        eprintln!("foreshadow: {error}");
    }
    Ok(())
}
